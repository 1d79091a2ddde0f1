"""Explainer: what supervised fine-tuning is, when to use it, how to read its results. `?topic=` names the section."""

from __future__ import annotations

import streamlit as st

from pages.learn._explainer.chapters import CHAPTERS, TOPICS, Topic
from pages.ui import components, guard
from pages.ui.errors import boundary

guard.require()


def current() -> Topic:
    """The section in the address, or the first one."""
    asked = st.query_params.get("topic", "")
    return next((topic for topic in TOPICS if topic.id == asked), TOPICS[0])


def chapter_of(topic: Topic) -> str:
    return next(name for name, topics in CHAPTERS.items() if topic in topics)


def go(topic_id: str) -> None:
    st.query_params["topic"] = topic_id


def switches(topic: Topic) -> None:
    """Chapter and section as two rows of buttons that follow the address."""
    chapter = chapter_of(topic)
    st.session_state["chapter"] = chapter
    st.session_state["section"] = topic.id
    with st.container(gap="xsmall"):
        st.segmented_control(
            "Chapter",
            list(CHAPTERS),
            key="chapter",
            required=True,
            label_visibility="collapsed",
            on_change=lambda: go(CHAPTERS[st.session_state["chapter"]][0].id),
        )
        st.pills(
            "Section",
            [item.id for item in CHAPTERS[chapter]],
            format_func={item.id: item.word for item in TOPICS}.__getitem__,
            key="section",
            required=True,
            label_visibility="collapsed",
            on_change=lambda: go(st.session_state["section"]),
        )


def neighbors(topic: Topic) -> None:
    """Links to the previous and the next section."""
    place = TOPICS.index(topic)
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute" if place else "right"):
        if place:
            before = TOPICS[place - 1]
            st.button(
                before.word, icon=":material/arrow_back:", type="tertiary", key="before", on_click=go, args=(before.id,)
            )
        if place + 1 < len(TOPICS):
            after = TOPICS[place + 1]
            st.button(f"Next: {after.word}", type="tertiary", key="after", on_click=go, args=(after.id,))


with boundary():
    chosen = current()
    components.page_header(
        "Explainer",
        "How a model learns from labeled examples, with figures from this studio.",
        f"Learn · section {TOPICS.index(chosen) + 1} of {len(TOPICS)}",
    )
    switches(chosen)
    components.section_gap()
    components.heading(chosen.title)
    with boundary():
        chosen.draw()
    neighbors(chosen)
