"""Which model answers, and how: the bar above a conversation."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.serving import chat
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.conversations import AnswerChoice, ConversationRecord
from pages.ui import addressed
from pages.ui.format import md

MAX_TOKENS = 256


def bar(found: Sequence[ChatModel], conversation: ConversationRecord | None) -> tuple[ChatModel, AnswerChoice]:
    """The model, by default the one that answered last, and its settings."""
    by_id = {model.id: model for model in found}
    last = conversation.model_id if conversation else ""
    default = last if last in by_id else found[0].id
    asked = st.query_params.get("model", "")
    if asked and asked not in by_id:
        st.toast("The model in the address was archived or deleted. Another one is selected.", duration="long")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="chat_bar"):
        titles = {model.id: model.title + ("" if model.kind == "tuned" else " (base)") for model in found}
        key = f"model_{conversation.id if conversation else 'new'}"
        model_id = addressed.pick("Model", titles, "model", key, default, width=320)
        choice = _settings(model_id, conversation)
        if conversation is not None and st.button("New chat", icon=":material/add:", key="new_chat"):
            addressed.go({"model": model_id})
    if conversation and last not in by_id and asked in ("", last):
        name = next((turn.model_name for turn in reversed(conversation.turns) if turn.model_name), last)
        st.caption(
            f":material/info: “{md(name)}”, which answered here, was archived or deleted. "
            f"The next answer is by {md(by_id[model_id].title)}."
        )
    return by_id[model_id], choice


def _settings(model_id: str, conversation: ConversationRecord | None) -> AnswerChoice:
    """System message and sampling; a conversation keeps its own, a new one starts with the model's."""
    place = conversation.id if conversation else f"new_{model_id}"
    stored = conversation.settings if conversation else {}
    usual = chat.default_system(model_id)
    with st.popover("Settings", icon=":material/tune:"):
        system = st.text_area(
            "System message",
            value=conversation.system if conversation else usual,
            key=f"system_{place}",
            placeholder="Context and instructions for the model",
            help="Context and instructions for the model, sent before every conversation. The default is the one that "
            "the model saw most often in its training.",
        )
        if usual and system.strip() != usual:
            st.caption(f":material/info: In its training the model saw: {md(usual, 200)}")
        max_tokens = st.slider(
            "Maximum answer length (tokens)",
            16,
            1024,
            stored.get("max_tokens", MAX_TOKENS),
            16,
            key=f"max_tokens_{place}",
            help="The maximum length of an answer.",
        )
        temperature = st.slider(
            "Temperature",
            0.0,
            1.5,
            stored.get("temperature", 0.0),
            0.1,
            key=f"temperature_{place}",
            help="0 always picks the most likely token. Higher values are more varied and less precise.",
        )
    return AnswerChoice(model_id, (system or "").strip(), ChatOptions(max_tokens, temperature))
