"""A new chat: what the model or agent is, and inputs to try."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.serving import chat
from core.services.serving.agents import AgentRecord
from core.services.serving.chat import ChatModel
from pages.ui import first_steps
from pages.ui.format import md, md_code, sentence

IDEAS = 6
FIELDS = 8  # of an expected JSON object that are named
GROUPS = (
    (True, "**Trained on.** The model saw these inputs with their outputs:"),
    (False, "**Held out.** Its training did not use these:"),
)


def json_hint(fields: Sequence[str]) -> str:
    """That the expected outputs are JSON, with the names of their fields."""
    named = ", ".join(md_code(name) for name in fields[:FIELDS]) + (" and more" if len(fields) > FIELDS else "")
    return f"It was trained to answer with a JSON object: {named}."


def start(model: ChatModel | AgentRecord) -> str:
    """Shows it; returns the input that was picked, or ""."""
    if isinstance(model, AgentRecord):
        return _of_agent(model)
    with st.container(border=True, gap="small", key="chat_empty"):
        st.markdown(f"**:material/forum: {md(model.title)}**")
        if model.kind == "base":
            st.caption(sentence(model.text))
            first_steps.coming_note()
            return ""
        st.caption(f"Tuned from {md(model.base_title)}. Ask what your users ask.")
        ideas = chat.suggestions(model.id, IDEAS)
        picked = ""
        if fields := chat.json_fields(idea.expected for idea in ideas):
            st.markdown(f":small[:material/data_object: {json_hint(fields)}]")
        for trained, title in GROUPS:
            group = [(number, idea) for number, idea in enumerate(ideas) if idea.trained is trained]
            if not group:
                continue
            st.markdown(f":small[:gray[{title}]]")
            with st.container(gap=None, key=f"ideas_{'trained' if trained else 'held_out'}"):
                for number, idea in group:
                    icon = ":material/school:" if trained else ":material/visibility_off:"
                    if st.button(md(idea.question, 90), key=f"idea_{number}", icon=icon, type="tertiary"):
                        picked = idea.question
        return picked


def _of_agent(agent: AgentRecord) -> str:
    with st.container(border=True, gap="small", key="chat_empty"):
        st.markdown(f"**:material/smart_toy: {md(agent.name)}**")
        st.caption(md(agent.description) or "Ask what your users ask.")
        picked = ""
        with st.container(gap=None, key="ideas_starters"):
            for number, text in enumerate(agent.version.starters):
                label = md(text, 90)
                if st.button(label, key=f"starter_{number}", icon=":material/chat_bubble:", type="tertiary"):
                    picked = text
    return picked
