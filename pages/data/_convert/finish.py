"""Steps 5 and 6 of Convert data: the preview and the conversion."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.data import conversion, rows_account, smart
from core.services.data.results import ConversionResult, DatasetResult
from core.services.data.sources import Analysis, SourceRecord
from core.services.platform import tasks
from core.services.platform.drafts import DraftRecord
from pages.data._convert.draft import change, first_example, is_under_way
from pages.data._convert.recap import recap
from pages.data._shared.account import account_card, account_of, rows_of
from pages.data._shared.created import created
from pages.data._shared.dataset_form import wizard_form
from pages.data._shared.sample_rows import sample_rows
from pages.data._smart import run as smart_run
from pages.ui import components, overrides
from pages.ui.format import number
from pages.ui.tasks.progress import ended_badly, follow
from pages.ui.wizard import ONWARD_KEYS
from pages.ui.wizard.draft_state import key, save


def preview_step(draft: DraftRecord, source: SourceRecord) -> tuple[DraftRecord, bool]:
    """Draw step 5: sample conversions, the estimated total, the rows left out, and the fields that are not used.

    True when there is an example and everything is decided.
    """
    state = draft.state
    preview = first_example(state)
    found = account_of(state["source_id"], state, str(source.detection.to_dict()))
    rejected, some = found.rows - found.accepted, preview.looked_at < preview.of_rows
    components.tiles(
        [
            components.Tile("Rows in the file", number(preview.of_rows)),
            components.Tile(
                "Labeled examples",
                ("about " if some else "") + number(preview.estimated_total),
                help="Estimated from the first rows; the conversion counts exactly." if some else None,
            ),
            components.Tile(
                "Rows left out",
                number(rejected),
                f"of {'the first ' if some else ''}{number(found.rows)}",
                delta_color="orange" if rejected else "gray",
                arrow="off",
                help="Rows that cannot become an example. You can see the reason for each and download them.",
            ),
        ],
        key="preview_tiles",
    )
    _size_hint(preview.estimated_total)
    components.section_gap()
    sample_rows(state["source_id"], state, preview.of_rows)
    components.section_gap()
    components.heading("Rows and fields", "what reaches the examples")
    without, decided = account_card(
        found,
        preview.of_rows,
        state.get("without") or (),
        lambda name: key(draft, name),
        lambda: rows_account.left_out_before(source.id, state),
    )
    return save(draft, without=without), decided and bool(preview.examples)


def _size_hint(total: int) -> None:
    if total < 10:
        st.markdown(":red[:material/error: Fewer than 10 labeled examples.] Training needs at least 10.")
    elif total < 50:
        st.markdown(":orange[:material/warning: Fewer than 50 labeled examples.] 50 or more give better results.")


def start_button(draft: DraftRecord, ready: bool) -> StudioError | None:
    """The button of the last step; returns why the conversion did not start. A draft starts once however often it is
    pressed."""
    clicked = st.button(
        "Convert & Create Dataset",
        type="primary",
        icon=":material/transform:",
        disabled=not ready,
        shortcut=ONWARD_KEYS,
        key="convert_now",
    )
    if overrides.pressed(clicked, "convert_now"):
        try:
            begin = smart.start if draft.state.get("mode") == "smart" else conversion.start
            with overrides.start("convert_now"):
                begin(draft.id)
        except StudioError as error:
            return error
        st.rerun()
    return None


def convert_step(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw step 6: the name, the conversion while it runs, and its dataset. True when it can start."""
    if is_under_way(draft):
        _under_way(draft)
        return draft, False
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("The dataset")
        with st.container(border=True, gap="small", key="name_it"):
            draft, ready = wizard_form(draft, source.filename)
    with side:
        components.heading("What will happen")
        with st.container(border=True, key="recap"):
            components.facts(recap(draft, source, analysis))
    return draft, ready


def _under_way(draft: DraftRecord) -> None:
    written = draft.state.get("mode") == "smart"
    task = tasks.get_task(draft.result_id or "")
    if task.state == "succeeded":
        created(DatasetResult.of(task), "conversion")
        rows_of(ConversionResult.of(task))
    task = (smart_run.follow_smart if written else follow)(task.id)
    if not task.is_terminal:
        st.caption("You can leave this page; the conversion continues, and this address shows it again.")
    elif task.state != "succeeded" and not written:
        ended_badly(task, "conversion")
    if written:
        smart_run.after(task)
    if task.is_terminal:
        with st.container(horizontal=True, gap="small"):
            if task.state != "succeeded" and st.button(
                "Change settings", icon=":material/arrow_back:", key="change_choices"
            ):
                change(draft)
            if st.button("Convert another file", type="tertiary", key="another"):
                st.query_params.clear()
                st.rerun()
