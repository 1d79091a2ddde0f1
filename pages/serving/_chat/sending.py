"""Sending a message from this window: to the conversation as it showed it, and without losing a refused one."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.serving import conversations
from core.services.serving.conversations import AnswerChoice, ConversationRecord
from pages.ui import overrides

_NEW, _SEEN, _UNSENT = "_new_conversation", "_seen_turns", "_unsent_message"
REFUSED = "_refused"


def send(conversation: ConversationRecord | None, text: str, choice: AnswerChoice) -> ConversationRecord | None:
    """The conversation with the message; without it, if it was refused, which is shown with the message."""
    st.session_state.pop(_UNSENT, None)
    conversation_id = conversation.id if conversation else st.session_state.get(_NEW)
    if conversation_id is None:  # kept until it is sent: a second click sends the same message to the same chat
        conversation_id = st.session_state[_NEW] = conversations.new_conversation_id()
    try:
        with overrides.start():
            sent = conversations.send(conversation_id, text, choice, seen=_seen(conversation_id))
    except StudioError as error:
        st.session_state[REFUSED] = error
        st.session_state[_UNSENT] = text
        return conversation
    if conversation is None:
        st.session_state.pop(_NEW, None)
        st.query_params.from_dict({"conversation": sent.id, "model": choice.agent_id or choice.model_id})
    return sent


def see(conversation: ConversationRecord) -> None:
    """Remember the last message that this window shows: what is sent next is a reply to it."""
    st.session_state.setdefault(_SEEN, {})[conversation.id] = conversation.last_id


def _seen(conversation_id: str) -> str:
    return str(st.session_state.get(_SEEN, {}).get(conversation_id, ""))


def unsent() -> str:
    """Show a message that was refused; returns it once the user sends it after all."""
    text = st.session_state.get(_UNSENT)
    if text is None:
        return ""
    with st.container(border=True, gap="xsmall", key="unsent"):
        st.caption("Your message was not sent:")
        st.text(text)
        with st.container(horizontal=True, gap="small"):
            now = st.button("Send now", icon=":material/send:", key="send_unsent")
            if st.button("Discard", key="discard_unsent"):
                st.session_state.pop(_UNSENT)
                st.rerun()
    return str(text) if now else ""
