"""Import conversations: exported chats become labeled examples in five steps. The state is a draft in the database."""

from __future__ import annotations

import streamlit as st

from core.services.data import chat_import
from core.services.platform.drafts import DraftRecord
from pages.data._import_conversations.begin import begin_step
from pages.data._import_conversations.draft import IDS, WIZARD
from pages.data._import_conversations.filters import filters_step
from pages.data._import_conversations.finish import import_step, start_button, under_way
from pages.data._import_conversations.review import review_step
from pages.data._import_conversations.roles import roles_step
from pages.ui import guard, history, wizard
from pages.ui.errors import boundary
from pages.ui.format import md
from pages.ui.wizard import address, draft_state

guard.require()


def header(step: str, draft: DraftRecord | None = None, about: str = "", running: bool = False) -> None:
    """The page header; a running import replaces the step's sentence."""
    lead = "Every message is imported, or left out with a reason." if running else None
    wizard.header(WIZARD, step, None if running else draft, about, lead=lead)


def show(draft: DraftRecord) -> None:
    """The step that the draft is on, with the buttons back and on."""
    running = under_way(draft)
    step_id = "import" if running else address.shown(draft, IDS[1:])
    if running:
        history.finish("import_conversations", address.query(draft.id, step_id), draft.id)
    source = chat_import.get(str(draft.state.get("source_id", "")))
    header(step_id, draft, f" · {md(source.filename, 40)}", running)
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
        wizard.footer(WIZARD, step_id, draft, ready, start_button)
    draft_state.drawn(draft, step_id)


with boundary(way_out=("import_conversations", "Start over")):
    draft_id = st.query_params.get("draft")
    if draft_id:
        show(draft_state.load(draft_id))
    else:
        header("upload")
        begin_step()
