"""A new chat: what the model is, and inputs to try."""

from __future__ import annotations

import streamlit as st

from core.services.serving import chat
from core.services.serving.chat import ChatModel
from pages.ui.format import md, sentence

IDEAS = 6
GROUPS = (
    (True, "**Trained on.** The model saw these inputs with their outputs:"),
    (False, "**Held out.** Its training did not use these:"),
)


def start(model: ChatModel) -> str:
    """Shows it; returns the input that was picked, or ""."""
    with st.container(border=True, gap="small", key="chat_empty"):
        st.markdown(f"**:material/forum: {md(model.title)}**")
        if model.kind == "base":
            st.caption(sentence(model.text))
            return ""
        st.caption(f"Tuned from {md(model.base_title)}. Ask what your users ask.")
        ideas = chat.suggestions(model.id, IDEAS)
        picked = ""
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
