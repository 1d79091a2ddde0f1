"""Answers of several models at once, while a page draws them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

import streamlit as st

from core.services.serving import chat
from core.services.serving.answering import StreamedAnswer

TICK_S: Final = 0.06


def warm_up() -> None:
    """Prepare the inference process, once per session, so that the first answer arrives sooner."""
    if not st.session_state.get("_warmed_up"):
        st.session_state["_warmed_up"] = True
        chat.warm_up()


def while_open(answers: Sequence[StreamedAnswer]) -> Iterable[None]:
    """Yield at each tick until all answers are complete, and once more after that."""
    while not all(answer.done.is_set() for answer in answers):
        yield
        time.sleep(TICK_S)
    yield
