"""Import conversations: exported chats become labeled examples in five steps. The state is a draft in the database."""

from __future__ import annotations

import streamlit as st

from core.services.data.chat_import import reading as chat_reading
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations import draft as chat_import_draft
from pages.data._import_conversations.begin import begin_step
from pages.data._import_conversations.draft import IDS, STEPS, save
from pages.data._import_conversations.filters import filters_step
from pages.data._import_conversations.finish import import_step, start_button, under_way
from pages.data._import_conversations.review import review_step
from pages.data._import_conversations.roles import roles_step
from pages.ui import components, guard, wizard
from pages.ui.errors import boundary
from pages.ui.format import md

guard.require()


def header(number: int, about: str = "", running: bool = False) -> None:
    """Where one is, and the five steps."""
    step = STEPS[number - 1]
    lead = "What comes of the log: every message is imported, or left out with its reason." if running else step.lead
    components.page_header(step.title, lead, f"Import conversations · step {number} of {len(STEPS)}{about}")
    wizard.steps([item.word for item in STEPS], number, "chats")
    components.section_gap()


def show(draft: DraftRecord) -> None:
    """The draft's own step, and the way back and on."""
    running = under_way(draft)
    step_id = "import" if running else draft.step if draft.step in IDS[1:] else "roles"
    number = IDS.index(step_id) + 1
    source = chat_reading.get(str(draft.state.get("source_id", "")))
    header(number, f" · {md(source.filename, 40)}", running)
    ready = False
    with boundary():
        if step_id == "roles":
            draft, ready = roles_step(draft, source)
        elif step_id == "filters":
            draft, ready = filters_step(draft)
        elif step_id == "review":
            draft, ready = review_step(draft)
        else:
            draft, ready = import_step(draft, source)
    if not running:
        wizard.footer(
            draft,
            number,
            ready,
            ids=IDS,
            onward=STEPS[number - 1].onward,
            meant=chat_import_draft.meant,
            save=save,
            finish=start_button,
        )
    chat_import_draft.drawn(draft, step_id)


with boundary(way_out=("import_conversations", "Begin again")):
    wanted = st.query_params.get("draft")
    if wanted:
        show(chat_import_draft.load(wanted))
    else:
        header(1)
        begin_step()
