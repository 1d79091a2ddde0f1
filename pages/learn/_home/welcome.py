"""The upper half of Home: what supervised fine-tuning is, and where to start."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.services.learn import demo_time
from pages.ui import components, navigation
from pages.ui.format import duration

_ACTIONS = (
    # screen, icon, title, what it is, button
    (
        "convert",
        "transform",
        "Convert data",
        "Take this for a CSV or Excel table: you choose which column is the input and which the output.",
        "Convert a table",
    ),
    (
        "upload",
        "note_add",
        "Upload Labeled Examples",
        "Take this if your file already has Input → Output pairs: JSONL chats, or columns such as question and answer.",
        "Upload file",
    ),
    (
        "import_conversations",
        "forum",
        "Import from Conversations",
        "Exported chats: questions become inputs, answers become outputs. Personal data is redacted first.",
        "Import chats",
    ),
    (
        "new_job",
        "model_training",
        "Start Training Job",
        "Supervised learning on your examples. You see memory and time before you start.",
        "New job",
    ),
)


def hero(is_empty: bool) -> None:
    """What supervised fine-tuning is, as a picture: INPUT → OUTPUT. The demo comes first in an empty studio."""
    with st.container(key="hero"):
        words, picture = st.columns([10, 12], gap="medium", vertical_alignment="center")
        with words, st.container(gap="xsmall"):
            st.title("Supervised Fine-Tuning", anchor=False)
            st.markdown(
                ":gray[Train custom AI models with labeled examples (input → output pairs) through supervised "
                "learning. The model learns patterns from these labeled pairs and improves its responses for "
                "similar questions.]"
            )
            st.space("xxsmall")
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                for screen in ("demo", "new_job") if is_empty else ("new_job", "demo"):
                    _start(screen, primary=(screen == "demo") == is_empty)
                navigation.button(
                    "What is Supervised Fine-Tuning?",
                    "explainer",
                    type="tertiary",
                    icon=":material/arrow_forward:",
                    icon_position="right",
                    key="hero_how",
                )
            if is_empty:
                st.caption(
                    f"The demo takes about {duration(demo_time.expected().total_s)} on this machine and needs no file."
                )
        with (
            picture,
            st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small", key="hero_pic"),
        ):
            with st.container(border=True, gap="xsmall", height="stretch", key="pic_in"):
                st.markdown(":small[:gray[INPUT]]")
                st.markdown("What's the refund policy?")
                st.caption("What a person asks")
            with st.container(width="content", key="hero_arrow"):
                st.markdown(":blue[:material/arrow_forward:]", width="content")
            with st.container(border=True, gap="xsmall", height="stretch", key="on_pic_out"):
                st.markdown(":small[:blue[OUTPUT]]")
                st.markdown("We offer a **30-day money-back guarantee**, no questions asked.")
                st.caption("How you want it answered")


def _start(screen: str, primary: bool) -> None:
    """A button of the hero; the demo starts as its screen opens."""
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    if screen == "demo":
        icon = ":material/play_circle:"
        navigation.button("Try the demo", "demo", {"start": "1"}, type=kind, icon=icon, key="go_demo")
    else:
        navigation.button("Start Training Job", "new_job", type=kind, icon=":material/play_arrow:", key="hero_start")


def quick_actions() -> None:
    """Cards that lead to the first steps."""
    components.heading("Start here", "Supervised fine-tuning requires labeled examples")
    with st.grid(len(_ACTIONS), min_column_width=225):
        for screen, icon, title, text, label in _ACTIONS:
            with st.container(
                border=True, height="stretch", vertical_alignment="distribute", gap="small", key=f"card_start_{screen}"
            ):
                with st.container(gap="xxsmall"):
                    st.markdown(f"**:blue[:material/{icon}:] {title}**")
                    st.caption(text)
                navigation.button(label, screen, width="stretch", key=f"go_{screen}")
