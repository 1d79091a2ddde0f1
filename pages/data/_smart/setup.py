"""Step 4 of Convert data in smart mode: the model, the columns it sees, its instructions, and the cost."""

from __future__ import annotations

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
from pages.data._smart.cost import estimate_card, is_free
from pages.data._smart.model_choice import choose_connection, choose_model
from pages.data._smart.wording import wording, written
from pages.ui import components
from pages.ui.connection_form import about, connection_form, form_is_open, open_form
from pages.ui.errors import show_beside
from pages.ui.format import md, sentence
from pages.ui.forms import form_fields
from pages.ui.wizard.draft_state import key, renew, save

_HERE = ("127.0.0.1", "localhost", "::1")
_OPTIONS = ("examples_per_row", "temperature", "max_rows", "budget_usd")
_LIMITS = ("max_tokens", "concurrency", "timeout_s")


def smart_step(draft: DraftRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw step 4: connection, model, columns, wording and limits, with the cost. True when the run can start."""
    if not draft.state.get("smart"):
        names = [column.name for column in analysis.columns if column.filled][:20]
        draft = save(draft, smart={"connection_id": smart.default_connection(), "columns": names})
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
            current = recipe.get("model") or "" if recipe.get("connection_id") == record.id else ""
            model = choose_model(record, key(draft, f"model_{record.id}"), current)
            slots["model"] = st.empty()
    return {"connection_id": record.id, "model": model}


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
        st.caption(
            "Cells are sent as data, separate from the instructions. Do not include what the model must not see."
        )
    return {"columns": chosen}


def _options(draft: DraftRecord, recipe: dict[str, Any], slots: dict[str, DeltaGenerator]) -> dict[str, Any]:
    components.section_gap()
    components.heading("Amount and limits")
    with st.container(border=True, gap="small", key="how_much"):
        shown = [name for name in _OPTIONS if name != "budget_usd" or not _needs_no_budget(recipe)]
        values = form_fields(SmartRecipe, recipe, key(draft, "smart"), only=shown, slots=slots)
        with st.expander("Limits of one request", icon=":material/tune:"):
            values |= form_fields(SmartRecipe, recipe, key(draft, "smart"), only=_LIMITS, slots=slots)
    return values


def _needs_no_budget(recipe: dict[str, Any]) -> bool:
    """Whether the chosen model is free and no budget was set for it earlier."""
    return not recipe.get("budget_usd") and is_free(connections.get(recipe["connection_id"]), recipe.get("model") or "")


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
            st.caption(f"{md(smart.model_title(record.id, recipe.model))} reads: {seen}.")
        else:
            st.markdown(f"**:orange[:material/public: The rows are sent to {md(record.base_url)}]**")
            st.caption(f"Columns: {seen}. Do not include columns with names of people, addresses or secrets.")
