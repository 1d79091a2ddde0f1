"""One answer of a comparison as a card."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.services.serving import chat, comparing
from core.services.serving.answering import StreamedAnswer
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.comparing import ComparedInput
from pages.ui import components, copying
from pages.ui.answers import figures
from pages.ui.errors import show_error
from pages.ui.escaping import md_answer
from pages.ui.examples import word_diff
from pages.ui.format import md

MARKED_FROM = 0.3  # share of common words; below it, everything would be marked
KNOWLEDGE = {
    "trained": "Trained on this input",
    "held_out": "Not trained on this input",
    "other": "Trained on other data",
    "base": "",
}


@dataclass
class Card:
    """The placeholders of one answer card; `draw` is called while the answer grows."""

    body: DeltaGenerator
    foot: DeltaGenerator
    finished: bool = False

    def draw(self, answer: StreamedAnswer, asked: ComparedInput, options: ChatOptions) -> None:
        """Show the answer so far; once it is complete, also the verdict and the figures."""
        if self.finished:
            return
        done = answer.done.is_set()  # read first: the text is complete after that
        if answer.text:
            self.body.markdown(md_answer(answer.text + ("" if done else " ▌")))
        elif done and answer.error is None:
            self.body.caption("The model returned an empty answer.")
        elif not done:
            self.body.caption(figures.waiting(answer.waited_s))
        if done:
            self.finished = True
            with self.foot.container(gap="xsmall"):
                _end(answer, asked, options)


def card(number: int, model: ChatModel, asked: ComparedInput) -> Card:
    """The empty card of a model; the card of a tuned model has the accent edge."""
    tuned = model.kind == "tuned"
    with st.container(
        border=True,
        height="stretch",
        vertical_alignment="distribute",
        gap="small",
        key=f"{'on' if tuned else 'off'}_answer_{number}",
    ):
        with st.container(gap="small"):
            with components.spread(wrap=False):
                st.markdown(f"**{md(model.title, 60)}**")
                st.badge("Tuned" if tuned else "Base", color="blue" if tuned else "gray")
            if note := KNOWLEDGE[comparing.knows(model.id, asked)] if asked.version_id else "":
                st.caption(note)
            body = st.empty()
        foot = st.empty()
    return Card(body, foot)


def _end(answer: StreamedAnswer, asked: ComparedInput, options: ChatOptions) -> None:
    if answer.error:
        show_error(answer.error)
    if ending := figures.ending(answer.state, answer.finish_reason, options.max_tokens):
        st.caption(f":orange[:material/info:] {ending}")
    st.divider()
    if asked.expected and answer.text:
        _against(asked.expected, answer.text)
    if answer.text:
        with components.spread():
            st.caption(
                figures.line(answer.seconds, answer.first_s, answer.tokens, answer.prompt_tokens), width="content"
            )
            copying.copy_button(answer.text, "the answer")


def _against(expected: str, text: str) -> None:
    """The verdict, and the words that differ."""
    if chat.matches(text, expected):
        st.markdown(":green[:material/check: Matches the expected output]")
        return
    if word_diff.in_common(text, expected) < MARKED_FROM:
        st.markdown(":red[:material/close: Not the expected output: few words in common]")
        return
    st.markdown(":red[:material/close: Not the expected output]")
    st.html(
        f'<small>Not expected</small><div class="shown diff-old" dir="auto">{word_diff.marked(text, expected)}</div>'
        f'<small>Missing</small><div class="shown diff-new" dir="auto">{word_diff.marked(expected, text)}</div>'
    )
