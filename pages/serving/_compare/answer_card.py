"""One answer of a comparison as a card."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.services.serving import chat
from pages.ui import components
from pages.ui.answers.chat_stream import Answer
from pages.ui.errors import show_error
from pages.ui.escaping import md_answer
from pages.ui.format import md


@dataclass
class Card:
    """The placeholders of one answer card; `draw` is called while the answer grows."""

    body: DeltaGenerator
    foot: DeltaGenerator
    finished: bool = False

    def draw(self, answer: Answer, expected: str) -> None:
        """Show the answer so far; once it is complete, also the verdict and the figures."""
        if self.finished:
            return
        if answer.error:
            with self.body.container():
                show_error(answer.error)
            self.finished = True
            return
        if answer.text:
            self.body.markdown(md_answer(answer.text + ("" if answer.done else " ▌")))
        elif answer.done:
            self.body.caption("The model returned an empty answer.")
        else:
            self.body.caption(answer.waiting())
        if answer.done:
            self.finished = True
            with self.foot.container():
                _verdict(answer, expected)


def card(model: chat.ChatModel, *, tuned: bool) -> Card:
    """The empty card of a model; the card of the tuned model has the accent edge."""
    with st.container(
        border=True,
        height="stretch",
        vertical_alignment="distribute",
        gap="small",
        key="on_tuned" if tuned else "off_base",
    ):
        with st.container(gap="small"):
            with components.spread(wrap=False):
                st.markdown(f"**{md(model.title, 40)}**")
                st.badge("Tuned" if tuned else "Base", color="blue" if tuned else "gray")
            body = st.empty()
        foot = st.empty()
    return Card(body, foot)


def _verdict(answer: Answer, expected: str) -> None:
    st.divider()
    with components.spread():
        if expected:
            exact = chat.matches(answer.text, expected)
            st.markdown(
                ":green[:material/check: Matches the expected answer]"
                if exact
                else ":red[:material/close: Not the expected answer]",
                width="content",
            )
        st.caption(answer.figures(), width="content")
