"""Chat with an agent, a tuned model, or a base model to see the difference. Conversations are saved."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.services.serving import agents, chat, conversations
from core.services.serving.conversations import AnswerChoice, ConversationRecord
from pages.serving._chat import choice as choices, listing, messages, reply, sending, start
from pages.ui import components, first_steps, guard
from pages.ui.answers import streams
from pages.ui.errors import boundary

guard.require()

LEAD = "Talk to your model the way your users will. Conversations are saved for everyone who uses this studio."


def current() -> ConversationRecord | None:
    """The conversation in the address; None for a new chat."""
    conversation_id = st.query_params.get("conversation", "")
    return conversations.get_conversation(conversation_id) if conversation_id else None


def screen(found: list[choices.Answering], conversation: ConversationRecord | None) -> None:
    """The list of conversations beside the open one. The parts are the same in every state, so that nothing of the
    state before remains on the screen while an answer is written."""
    with st.bottom, columns()[1]:
        notices = st.container()  # beside the input, where the user is
        text = st.chat_input("Send a message", key="question", disabled=not found)
    side, main = columns()
    model, choice = None, None
    with main:
        with st.container(key="narrow_conversations"):
            narrow = st.popover("Conversations", icon=":material/forum:")
        if found:
            model, choice = choices.bar(found, conversation)
        else:
            st.info("No model can answer now. The conversations remain.", icon=":material/info:")
        head, body = st.container(), st.container()
    if text and choice:
        conversation = sending.send(conversation, text, choice)
    with side, st.container(key="wide_conversations"):
        listing.listing(conversation, "wide")
    with narrow:
        listing.listing(conversation, "narrow")
    with head:
        if conversation is not None:
            listing.head(conversation)
    with notices:
        messages.refused()
        again = sending.unsent()
    with body:
        talk(conversation, model, choice, again)


def columns() -> tuple[DeltaGenerator, DeltaGenerator]:
    """The place of the list, and of the conversation."""
    left, right = st.columns([3, 9], gap="medium")
    return left, right


def talk(
    conversation: ConversationRecord | None, model: choices.Answering | None, choice: AnswerChoice | None, picked: str
) -> None:
    """The messages, and the answer that is being written; for a new chat, inputs to try. `picked` is an input that
    the user sends without typing it."""
    ideas = st.empty()
    if conversation is not None:
        sending.see(conversation)
        messages.earlier(conversation, choice)
        if not picked and conversation.last and conversation.last.is_running:
            conversation = reply.follow(conversation, conversation.last, choice)
    elif model is not None:
        with ideas.container():
            picked = start.start(model) or picked
    if picked and choice:
        sending.send(conversation, picked, choice)
        st.rerun()
    if conversation is not None:
        reply.watch(conversation)


with boundary(way_out=("chat", "New chat")):
    components.page_header("Chat", LEAD, "Use")
    opened = current()
    found: list[choices.Answering] = [*agents.list_agents(), *chat.available_models()]
    if not found and not conversations.list_conversations(limit=0)[1]:
        first_steps.no_model(
            "chat", "No model to chat with yet", "When a training job succeeds, its model appears here.", key="no_chat"
        )
    else:
        streams.warm_up()
        screen(found, opened)
