"""Convert data: six steps from any table to a dataset. The wizard's state is a draft in the database."""

from __future__ import annotations

import streamlit as st

from core.services.data import sources
from core.services.platform.drafts import DraftRecord
from pages.data._convert.analyze import analyze_step
from pages.data._convert.begin import begin_step
from pages.data._convert.draft import IDS, SMART_HEADS, WIZARD, is_under_way, source_of
from pages.data._convert.finish import convert_step, preview_step, start_button
from pages.data._convert.setup import configure_step, mode_step
from pages.data._smart.preview import smart_preview_step
from pages.data._smart.setup import smart_step
from pages.ui import guard, history, wizard
from pages.ui.errors import boundary
from pages.ui.format import md, plural
from pages.ui.wizard import address, draft_state

guard.require()


def header(
    step: str, draft: DraftRecord | None = None, about: str = "", smart: bool = False, under_way: bool = False
) -> None:
    """The page header, with the title and sentence that fit the mode and the state of the conversion."""
    title, lead = SMART_HEADS.get(step, (None, None)) if smart else (None, None)
    if under_way:
        lead = "The conversion runs in the background; every row ends up as an example or with a reason."
    wizard.header(WIZARD, step, None if under_way else draft, about, title, lead)


def show(draft: DraftRecord) -> None:
    """The step that the draft is on, with the buttons back and on."""
    under_way = is_under_way(draft)
    step_id = "convert" if under_way else address.shown(draft, IDS[1:])
    if under_way:
        history.finish("convert", address.query(draft.id, step_id), draft.id)
    source = source_of(draft)
    with st.spinner("Analyzing the rows"):
        analysis = sources.analyze(source.id)
    smart = draft.state.get("mode") == "smart"
    header(step_id, draft, f" · {md(source.filename, 40)} · {plural(analysis.total_rows, 'row')}", smart, under_way)
    ready = False
    with boundary():
        if step_id == "analyze":
            draft, ready = analyze_step(draft, source, analysis)
        elif step_id == "mode":
            draft, ready = mode_step(draft, analysis)
        elif step_id == "configure":
            draft, ready = (smart_step if smart else configure_step)(draft, analysis)
        elif step_id == "preview":
            draft, ready = smart_preview_step(draft, analysis) if smart else preview_step(draft, source)
        else:
            draft, ready = convert_step(draft, source, analysis)
    if not under_way:
        wizard.footer(WIZARD, step_id, draft, ready, start_button)
    draft_state.drawn(draft, step_id)


with boundary(way_out=("convert", "Start over")):
    draft_id = st.query_params.get("draft")
    if draft_id:
        show(draft_state.load(draft_id))
    else:
        header("upload")
        begin_step()
