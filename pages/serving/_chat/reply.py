"""An answer while it is being written, and the changes of other windows."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import streamlit as st

from core.errors import StudioError
from core.services.serving import conversations
from core.services.serving.conversations import AnswerChoice, ConversationRecord, TurnRecord
from pages.serving._chat import messages
from pages.ui.answers import figures
from pages.ui.escaping import md_answer

log = logging.getLogger("sft.pages")

TICK_S = 0.06
TICK_ELSEWHERE_S = 1.0  # where another process receives the answer and saves it every second
WATCH_S = 3.0


def follow(conversation: ConversationRecord, running: TurnRecord, choice: AnswerChoice | None) -> ConversationRecord:
    """Draw the answer as it grows, with a button to stop it; returns the conversation with its end.

    The answer does not depend on this window: a reload comes back here.
    """
    with st.chat_message("assistant", avatar=messages.MODEL):
        body, button = st.empty(), st.empty()
        button.button(
            "Stop", icon=":material/stop_circle:", key=f"stop_{running.id}", on_click=_stop, args=(running.id,)
        )
        while (now := conversations.progress(running)) is not None and now.is_running:
            if now.content:
                body.markdown(md_answer(now.content + " ▌"))
            else:
                body.caption(figures.waiting(time.time() - running.created_at))
            time.sleep(TICK_S if conversations.is_here(running) else TICK_ELSEWHERE_S)
        if now is None:  # replaced, removed or deleted in another window
            st.rerun()
        ended = conversations.get_conversation(conversation.id)
        button.empty()  # a container in its place would keep it until the page is drawn again
        with body.container():
            messages.answer(ended, ended.turn(now.id) or replace(now), choice)
    return ended


def _stop(turn_id: str) -> None:
    try:
        conversations.stop(turn_id)
    except StudioError:  # the answer is shown as it is
        log.exception("an answer could not be stopped")


def watch(conversation: ConversationRecord) -> None:
    """Show the conversation again as soon as another window changes it."""
    st.fragment(run_every=WATCH_S)(_watch)(conversation.id, conversation.revision)


def _watch(conversation_id: str, revision: int) -> None:
    try:
        changed = conversations.revision_of(conversation_id) != revision
    except StudioError:  # the next click shows it
        log.warning("a conversation could not be checked for changes")
        return
    if changed:
        st.rerun()
