"""The answers of a comparison side by side; the last ones remain on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.services.serving.answering import StreamedAnswer
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.comparing import ComparedInput
from pages.serving._compare import answer_card
from pages.ui import components
from pages.ui.answers import streams
from pages.ui.format import md, short

_SLOT = "_compared"


@dataclass(frozen=True)
class ComparedAnswers:
    """What was asked of which models, and their answers, which may still be growing."""

    models: tuple[ChatModel, ...]
    asked: ComparedInput
    options: ChatOptions
    answers: tuple[StreamedAnswer, ...]

    def stop(self) -> None:
        for answer in self.answers:
            answer.stop()


def ask(models: Sequence[ChatModel], asked: ComparedInput, options: ChatOptions) -> None:
    """Send the input to all models at once; answers of an earlier comparison stop."""
    if (before := st.session_state.get(_SLOT)) is not None:
        before.stop()
    answers = tuple(StreamedAnswer(model.id, asked.messages, options).start() for model in models)
    st.session_state[_SLOT] = ComparedAnswers(tuple(models), asked, options, answers)


def show(models: Sequence[ChatModel], asked: ComparedInput | None) -> None:
    """The last answers of these models."""
    last: ComparedAnswers | None = st.session_state.get(_SLOT)
    if last is None or [model.id for model in last.models] != [model.id for model in models]:
        return
    components.section_gap()
    with components.spread():
        st.header(md(short(last.asked.question, 90)), anchor=False, width="content")
        aside = st.empty()
    running = not all(answer.done.is_set() for answer in last.answers)
    if running:
        aside.button("Stop", icon=":material/stop_circle:", key="stop_answers", on_click=last.stop)
    elif asked is None or asked != last.asked:
        aside.caption("Last input", width="content")
    if last.asked.expected:
        with st.container(border=True, gap=None, key="expected"):
            st.caption("EXPECTED OUTPUT")
            st.text(last.asked.expected)
    columns = len(models) if len(models) != 4 else 2
    with st.grid(columns, min_column_width=260, key="answers"):
        cards = [answer_card.card(number, model, last.asked) for number, model in enumerate(models)]
    for _ in streams.while_open(last.answers):
        for card, answer in zip(cards, last.answers, strict=True):
            card.draw(answer, last.asked, last.options)
    if running:
        aside.empty()
