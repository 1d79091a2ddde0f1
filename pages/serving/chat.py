"""Chat with a tuned model, or with a base model to see the difference. Conversations are saved."""

from __future__ import annotations

import streamlit as st

from core.services.serving import chat, conversations
from core.services.serving.chat import ChatModel
from core.services.serving.conversations import AnswerChoice, ConversationRecord
from pages.serving._chat import choice as choices, listing, messages, reply, sending, start
from pages.ui import components, first_steps, guard, navigation
from pages.ui.answers import streams
from pages.ui.errors import boundary
from pages.ui.format import plural

guard.require()

LEAD = "Talk to your model the way your users will. Conversations are saved for everyone who uses this studio."


def current() -> ConversationRecord | None:
    """The conversation in the address; None for a new chat."""
    conversation_id = st.query_params.get("conversation", "")
    return conversations.get_conversation(conversation_id) if conversation_id else None


def screen(found: list[ChatModel], conversation: ConversationRecord | None, saved: int) -> None:
    """The list of conversations beside the open one."""
    text = st.chat_input("Send a message", key="question", disabled=not found)
    side, main = st.columns([3, 9], gap="medium") if saved else (None, st.container())
    model, choice = None, None
    with main:
        if saved:
            with st.container(key="narrow_conversations"), st.popover(plural(saved, "conversation")):
                narrow = st.container()
        if found:
            model, choice = choices.bar(found, conversation)
        else:
            st.info("No model can answer now. The conversations remain.", icon=":material/info:")
        head, body = st.container(), st.container()
    if text and choice:
        conversation = sending.send(conversation, text, choice)
    if side is not None:
        with side, st.container(key="wide_conversations"):
            listing.listing(conversation, "wide")
        with narrow:
            listing.listing(conversation, "narrow")
    with head:
        messages.refused()
        if conversation is not None:
            listing.head(conversation)
    with body:
        talk(conversation, model, choice)


def talk(conversation: ConversationRecord | None, model: ChatModel | None, choice: AnswerChoice | None) -> None:
    """The messages, and the answer that is being written; for a new chat, inputs to try."""
    if conversation is not None:
        sending.see(conversation)
        messages.earlier(conversation, choice)
        if conversation.last and conversation.last.is_running:
            conversation = reply.follow(conversation, conversation.last, choice)
    again = sending.unsent()
    picked = again or (start.start(model) if conversation is None and model else "")
    if picked and choice:
        sending.send(conversation, picked, choice)
        st.rerun()
    if conversation is not None:
        reply.watch(conversation)


with boundary(way_out=("chat", "New chat")):
    opened = current()
    with components.header_row("Chat", LEAD, "Use"):
        if opened is not None:
            navigation.button("New chat", "chat", icon=":material/add:", key="new_chat")
    found, saved = chat.available_models(), conversations.list_conversations(limit=1)[1]
    if not found and not saved:
        first_steps.no_model(
            "chat", "No model to chat with yet", "When a training job succeeds, its model appears here.", key="no_chat"
        )
    else:
        streams.warm_up()
        screen(found, opened, saved)
