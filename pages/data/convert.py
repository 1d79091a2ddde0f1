"""Convert data: six steps from any table to a dataset. The wizard's state is a draft in the database."""

from __future__ import annotations

import streamlit as st

from core.services.data import sources
from core.services.platform.drafts import DraftRecord
from pages.data._convert import draft as convert_draft
from pages.data._convert.analyze import analyze_step
from pages.data._convert.begin import begin_step
from pages.data._convert.draft import IDS, ONWARD_KEYS, STEPS, is_under_way, save
from pages.data._convert.finish import convert_step, preview_step, start_button
from pages.data._convert.setup import configure_step, mode_step
from pages.data._smart.preview import smart_preview_step
from pages.data._smart.setup import smart_step
from pages.ui import components, guard, wizard
from pages.ui.errors import boundary
from pages.ui.format import md, plural

guard.require()


def header(number: int, about: str = "", smart: bool = False, under_way: bool = False) -> None:
    """Where one is, and the six steps."""
    step = STEPS[number - 1]
    title, lead = (smart and step.smart) or (step.title, step.lead)
    lead = "The work runs by itself, and every row is accounted for." if under_way else lead
    components.page_header(title, lead, f"Convert data · step {number} of {len(STEPS)}{about}")
    wizard.steps([step.word for step in STEPS], number, "convert")
    components.section_gap()


def show(draft: DraftRecord) -> None:
    """The draft's own step, and the way back and on."""
    under_way = is_under_way(draft)
    step_id = "convert" if under_way else draft.step if draft.step in IDS[1:] else "analyze"
    number = IDS.index(step_id) + 1
    source = convert_draft.source_of(draft)
    with st.spinner("Looking at the rows"):
        analysis = sources.analyze(source.id)
    smart = draft.state.get("mode") == "smart"
    header(number, f" · {md(source.filename, 40)} · {plural(analysis.total_rows, 'row')}", smart, under_way)
    ready = False
    with boundary():
        if step_id == "analyze":
            draft, ready = analyze_step(draft, source, analysis)
        elif step_id == "mode":
            draft, ready = mode_step(draft, analysis)
        elif step_id == "configure":
            draft, ready = (smart_step if smart else configure_step)(draft, analysis)
        elif step_id == "preview":
            draft, ready = (smart_preview_step if smart else preview_step)(draft, analysis)
        else:
            draft, ready = convert_step(draft, source, analysis)
    if not under_way:
        wizard.footer(
            draft,
            number,
            ready,
            ids=IDS,
            onward=STEPS[number - 1].onward,
            meant=convert_draft.meant,
            save=save,
            finish=start_button,
            shortcut=ONWARD_KEYS,
        )
    convert_draft.drawn(draft, step_id)


with boundary(way_out=("convert", "Begin again")):
    wanted = st.query_params.get("draft")
    if wanted:
        show(convert_draft.load(wanted))
    else:
        header(1)
        begin_step()
