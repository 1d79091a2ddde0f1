"""The connection and the model that write, for Convert data and for the Variations tab."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.errors import StudioError
from core.services.data import smart
from core.services.data.smart import WritingModel
from core.services.platform.connections import ConnectionRecord
from pages.ui import components
from pages.ui.errors import field_error
from pages.ui.format import md, plural

MODELS_FOR_S = 60
_SMALL = "too small to write"


@st.cache_data(ttl=MODELS_FOR_S, show_spinner=False)
def _models(connection_id: str, updated_at: float) -> tuple[WritingModel, ...]:
    """The models of a connection; `updated_at` makes a changed connection miss the cache."""
    return smart.writing_models(connection_id)


def _listed(record: ConnectionRecord) -> tuple[tuple[WritingModel, ...], StudioError | None]:
    """The models that a connection lists, or why it lists none."""
    try:
        return _models(record.id, record.updated_at), None
    except StudioError as error:
        return (), error


def choose_connection(
    records: Mapping[str, ConnectionRecord], name: str, current: str | None = None
) -> ConnectionRecord:
    """The connection to use, at first one that can write; `name` is the key of the widget."""
    titles = {record.id: record.name for record in records.values()}
    tip = "The endpoint of the language model. Manage connections in Settings."
    first = current or smart.default_connection()
    return records[components.pick("Connection", titles, name, first, help=tip)]


def choose_model(record: ConnectionRecord, name: str, current: str = "") -> str:
    """The model to use; "" if none is chosen.

    Args:
        name: key of the widget.
        current: the choice so far.
    """
    listed, problem = _listed(record)
    by_id = {model.id: model for model in listed}
    options = [*dict.fromkeys([*([current] if current and current not in by_id else []), *by_id])]
    first = current or smart.default_model(listed)
    model: str | None = st.selectbox(
        "Model",
        options,
        index=options.index(first) if first else None,
        format_func=lambda option: _title(by_id[option]) if option in by_id else option,
        accept_new_options=True,
        placeholder="Choose a model, or type its name",
        key=name,
        help="The models that the connection lists. You can also type another name.",
    )
    if problem:
        field_error(problem)
    else:
        _note(record, by_id, model)
    return model or ""


def _title(model: WritingModel) -> str:
    return f"{model.title}  ·  {_SMALL}" if model.warning else model.title


def _note(record: ConnectionRecord, by_id: Mapping[str, WritingModel], model: str | None) -> None:
    """What to know about the choice, or about the list."""
    chosen = by_id.get(model or "")
    if chosen and chosen.warning:
        st.markdown(
            f":orange[:small[:material/warning: {md(chosen.warning)} Add a connection to a larger model, or download "
            "one of a billion parameters or more.]]"
        )
    elif by_id and model and not chosen:
        st.markdown(
            f":orange[:small[:material/warning: {md(model)} is not in this endpoint's list. It may still "
            "work; check with the preview of three rows.]]"
        )
    elif by_id and all(entry.warning for entry in by_id.values()):
        st.markdown(
            ":orange[:small[:material/warning: No model of this connection is large enough to write examples. Add a "
            "connection to a larger one, or download one of a billion parameters or more.]]"
        )
    elif by_id:
        st.caption(f"{plural(len(by_id), 'model')} available")
    else:
        st.caption(
            "No models yet: download one, or add a connection."
            if record.builtin
            else "The endpoint lists no models: type a name."
        )
