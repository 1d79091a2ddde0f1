"""Step 4 of Convert data in smart mode: the model, the columns it sees, its instructions, and the cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.data import smart
from core.services.data.smart import SmartRecipe
from core.services.data.sources import Analysis
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from core.services.platform.drafts import DraftRecord
from pages.data._smart.cost import estimate_card
from pages.data._smart.wording import wording, written
from pages.ui import components
from pages.ui.connection_form import about, connection_form, form_is_open, open_form
from pages.ui.errors import field_error, show_beside
from pages.ui.format import md, plural, sentence
from pages.ui.forms import form_fields
from pages.ui.wizard.draft_state import key, renew, save

MODELS_FOR_S = 60
_HERE = ("127.0.0.1", "localhost", "::1")
_OPTIONS = ("examples_per_row", "temperature", "max_rows", "budget_usd")
_LIMITS = ("max_tokens", "concurrency", "timeout_s")


def smart_step(draft: DraftRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw step 4: connection, model, columns, wording and limits, with the cost. True when the run can start."""
    if not draft.state.get("smart"):
        names = [column.name for column in analysis.columns if column.filled][:20]
        draft = save(draft, smart={"connection_id": "studio", "columns": names})
    main, side = st.columns([8, 5], gap="medium")
    slots: dict[str, DeltaGenerator] = {}
    with main:
        recipe = dict(draft.state["smart"])
        recipe.update(_who_writes(draft, recipe, slots))
        recipe.update(_columns(draft, recipe, analysis, slots))
        draft = save(draft, smart=recipe)
        if wording(draft, recipe, slots):
            st.rerun()
        recipe = {**recipe, **written(draft)}
        recipe.update(_options(draft, recipe, slots))
        draft = save(draft, smart=recipe)
    with side:
        ready = _estimate(draft, recipe, slots)
    return draft, ready


# ---- the model


@st.cache_data(ttl=MODELS_FOR_S, show_spinner=False)
def _models(connection_id: str, updated_at: float) -> tuple[str, ...]:
    """The models of a connection; `updated_at` makes a changed connection miss the cache."""
    return connections.models(connection_id)


def listed_models(record: ConnectionRecord) -> tuple[tuple[str, ...], StudioError | None]:
    """The models that a connection lists, or why it lists none."""
    try:
        return _models(record.id, record.updated_at), None
    except StudioError as error:
        return (), error


def _who_writes(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> dict[str, Any]:
    with components.spread():
        st.header("Model", anchor=False, width="content")
        if not form_is_open() and st.button(
            "Add a connection", icon=":material/add:", type="tertiary", key="pick_add_connection"
        ):
            open_form()
            st.rerun()
    if form_is_open():
        connection_form(None)
    records = {record.id: record for record in connections.list_connections()}
    saved = st.session_state.pop("connection_saved", None)
    if saved in records and saved != recipe.get("connection_id"):
        renew(save(draft, smart={**recipe, "connection_id": saved, "model": ""}))
        st.rerun()
    with st.container(border=True, gap="small", key="who_writes"), st.grid(2, min_column_width=230, gap="medium"):
        with st.container(gap="xxsmall"):
            record = choose_connection(records, key(draft, "connection"), recipe.get("connection_id"))
            st.caption(md(about(record)))
            slots["connection_id"] = st.empty()
        with st.container(gap="xxsmall"):
            model = _model_choice(draft, recipe, record)
            slots["model"] = st.empty()
    return {"connection_id": record.id, "model": model or ""}


def choose_connection(
    records: Mapping[str, ConnectionRecord], name: str, current: str | None = None
) -> ConnectionRecord:
    """The connection to use; `name` is the key of the widget."""
    titles = {record.id: record.name for record in records.values()}
    tip = "The endpoint of the language model. Manage connections in Settings."
    return records[components.pick("Connection", titles, name, current, help=tip)]


def _model_choice(draft: DraftRecord, recipe: dict[str, Any], record: ConnectionRecord) -> str | None:
    names, problem = listed_models(record)
    current = recipe.get("model") if recipe.get("connection_id") == record.id else ""
    options = [*dict.fromkeys([*([current] if current else []), *names])]
    index = options.index(current) if current else 0 if options else None
    model = st.selectbox(
        "Model",
        options,
        index=index,
        accept_new_options=True,
        placeholder="Choose a model, or type its name",
        key=key(draft, f"model_{record.id}"),
        help="The models that the connection lists. You can also type another name.",
    )
    if problem:
        field_error(problem)
    elif names and model and model not in names:
        st.markdown(
            f":orange[:small[:material/warning: {md(model)} is not in this endpoint's list. It may still "
            "work; check with the preview of three rows.]]"
        )
    elif names:
        st.caption(f"{plural(len(names), 'model')} available")
    else:
        st.caption(
            "No models yet: build the starter model, train one, or add a connection."
            if record.builtin
            else "The endpoint lists no models: type a name."
        )
    return model


# ---- columns and limits


def _columns(
    draft: DraftRecord, recipe: dict[str, Any], analysis: Analysis, slots: dict[str, DeltaGenerator]
) -> dict[str, Any]:
    names = [column.name for column in analysis.columns]
    components.section_gap()
    components.heading("Columns the model sees")
    with st.container(border=True, gap="xxsmall", key="sees"):
        chosen = st.multiselect(
            "Columns",
            names,
            default=[name for name in recipe.get("columns") or [] if name in names],
            key=key(draft, "smart_columns"),
            help=SmartRecipe.model_fields["columns"].description,
        )
        slots["columns"] = st.empty()
        st.caption("Cells are sent as data, separate from the instructions. Leave out columns the model must not see.")
    return {"columns": chosen}


def _options(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> dict[str, Any]:
    components.section_gap()
    components.heading("Amount and limits")
    with st.container(border=True, gap="small", key="how_much"):
        values = form_fields(SmartRecipe, recipe, key(draft, "smart"), only=_OPTIONS, slots=slots)
        with st.expander("Limits of one request", icon=":material/tune:"):
            values |= form_fields(SmartRecipe, recipe, key(draft, "smart"), only=_LIMITS, slots=slots)
    return values


# ---- the estimate


def _estimate(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> bool:
    components.heading("Cost", "an estimate")
    try:
        checked = SmartRecipe.of(recipe)
        smart.check_start(draft.state["source_id"], checked)
        estimate = smart.estimate(draft.state["source_id"], checked)
    except StudioError as error:
        marked = show_beside(slots, error)
        with st.container(border=True, gap="xsmall", key="not_yet"):
            st.markdown(
                ":orange[:material/pending:] The estimate appears when the marked field is fixed."
                if marked
                else f":orange[:material/pending:] {sentence(error.message)}"
            )
            if not marked and error.remedy:
                st.caption(sentence(error.remedy))
        return False
    record = connections.get(checked.connection_id)
    estimate_card(estimate, checked, record)
    _privacy(record, checked)
    return True


def _privacy(record: ConnectionRecord, recipe: SmartRecipe) -> None:
    with st.container(border=True, gap="xsmall", key="where_it_goes"):
        seen = ", ".join(md(name, 40) for name in recipe.columns[:8]) + (" and more" if len(recipe.columns) > 8 else "")
        if record.client_kind.is_local or urlsplit(record.base_url).hostname in _HERE:
            st.markdown("**:material/lock: The rows stay on your machines**")
            st.caption(f"{md(recipe.model)} reads: {seen}.")
        else:
            st.markdown(f"**:orange[:material/public: The rows are sent to {md(record.base_url)}]**")
            st.caption(f"Columns: {seen}. Leave out columns with names of people, addresses or secrets.")
