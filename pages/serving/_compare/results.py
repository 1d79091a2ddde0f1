"""The answers of a comparison side by side; a reload, and another browser with this address, show them again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.serving import kept
from core.services.serving.chat import ChatModel, ChatOptions
from core.services.serving.comparing import ComparedInput
from core.services.serving.kept import ComparedAnswers
from pages.serving._compare import answer_card
from pages.ui import components
from pages.ui.answers import streams
from pages.ui.format import md, short

_SLOT = "_compared"


def ask(models: Sequence[ChatModel], asked: ComparedInput, options: ChatOptions) -> None:
    """Send the input to all models at once; answers of an earlier comparison stop."""
    if (before := st.session_state.get(_SLOT)) is not None:
        before.stop()
    st.session_state[_SLOT] = kept.ask([model.id for model in models], asked, options)


def known(models: Sequence[ChatModel], asked: ComparedInput | None, options: ChatOptions) -> bool:
    """Whether the answers to this input are there: of this session, or of another one."""
    return asked is not None and kept.find([model.id for model in models], asked, options) is not None


def show(models: Sequence[ChatModel], asked: ComparedInput | None, options: ChatOptions) -> None:
    """The answers to this input, or else the last ones of these models in this session."""
    ids = [model.id for model in models]
    last: ComparedAnswers | None = kept.find(ids, asked, options) if asked is not None else None
    last = last or st.session_state.get(_SLOT)
    if last is None or list(last.model_ids) != ids:
        return
    components.section_gap()
    with components.spread():
        st.header(md(short(last.asked.question, 90)), anchor=False, width="content")
        aside = st.empty()
    running = not last.done
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
