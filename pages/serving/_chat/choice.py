"""Which model or agent answers, and how: the bar above a conversation."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.serving import agents, chat
from core.services.serving.agents import AgentRecord
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.conversations import AnswerChoice, ConversationRecord
from pages.ui import addressed, navigation
from pages.ui.format import md

MAX_TOKENS = 256


Answering = ChatModel | AgentRecord


def bar(found: Sequence[Answering], conversation: ConversationRecord | None) -> tuple[Answering, AnswerChoice]:
    """The model or agent, by default the one that answered last, else the first model; and its settings."""
    by_id = {one.id: one for one in found}
    last = (conversation.agent_id or conversation.model_id) if conversation else ""
    first = next((one for one in found if isinstance(one, ChatModel)), found[0])
    default = last if last in by_id else first.id
    asked = st.query_params.get("model", "")
    if asked and asked not in by_id:
        st.toast("The model in the address was archived or deleted. Another one is selected.", duration="long")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="chat_bar"):
        titles = {one.id: title(one) for one in found}
        key = f"model_{conversation.id if conversation else 'new'}"
        chosen = by_id[addressed.pick("Model or agent", titles, "model", key, default, width=320)]
        if isinstance(chosen, AgentRecord):
            choice = _of_agent(chosen)
        else:
            choice = _settings(chosen.id, conversation if conversation and not conversation.agent_id else None)
        if conversation is not None and st.button("New chat", icon=":material/add:", key="new_chat"):
            addressed.go({"model": chosen.id})
    if conversation and last not in by_id and asked in ("", last):
        name = _name_of_last(conversation)
        st.caption(
            f":material/info: “{md(name)}”, which answered here, was archived or deleted. "
            f"The next answer is by {md(title(chosen))}."
        )
    return chosen, choice


def title(one: Answering) -> str:
    """How the list names what answers."""
    if isinstance(one, AgentRecord):
        return f"{one.name} (agent)"
    return one.title + ("" if one.kind == "tuned" else " (base)")


def _name_of_last(conversation: ConversationRecord) -> str:
    if conversation.agent_id:
        return agents.names_of([conversation.agent_id]).get(conversation.agent_id, "The agent")
    return next((turn.model_name for turn in reversed(conversation.turns) if turn.model_name), conversation.model_id)


def _of_agent(agent: AgentRecord) -> AnswerChoice:
    """An agent has its own system message and settings."""
    version = agent.version
    with st.popover("Settings", icon=":material/tune:"):
        st.caption(f"Those of the agent, version {version.number}.")
        st.text(version.system or "No system message")
        st.caption(f"At most {version.settings.max_tokens:,} tokens · temperature {version.settings.temperature:g}")
        navigation.button("Open the agent", "agents", {"id": agent.id}, icon=":material/smart_toy:", key="open_agent")
    return AnswerChoice("", agent_id=agent.id)


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
            min(1024, max(16, stored.get("max_tokens", MAX_TOKENS))),
            16,
            key=f"max_tokens_{place}",
            help="The maximum length of an answer.",
        )
        temperature = st.slider(
            "Temperature",
            0.0,
            1.5,
            min(1.5, stored.get("temperature", 0.0)),
            0.1,
            key=f"temperature_{place}",
            help="0 always picks the most likely token. Higher values are more varied and less precise.",
        )
    return AnswerChoice(model_id, (system or "").strip(), ChatOptions(max_tokens, temperature))
