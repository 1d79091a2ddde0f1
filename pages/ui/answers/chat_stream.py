"""Streamed answers of one or several models: each is read by a thread and drawn by the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.messages import Message
from core.services.serving import chat
from core.services.serving.chat import ChatOptions
from pages.ui.format import plural

TICK_S = 0.06
LOADING_S = 3.0  # if the first token takes longer, the model was being loaded


@dataclass
class Answer:
    """An answer being streamed. `tokens` is the server's count; times are seconds."""

    model_id: str
    text: str = ""
    tokens: int = 0
    first_s: float | None = None
    seconds: float = 0.0
    error: Exception | None = None
    done: bool = False
    began: float = field(default_factory=time.perf_counter)

    def figures(self) -> str:
        """`0.6 s · 17 tokens`; the time to load the model is shown separately."""
        waited = self.first_s or 0.0
        loading = waited > LOADING_S
        took = self.seconds - waited if loading else self.seconds
        words = f"{took:.1f} s · {plural(self.tokens, 'token')}"
        return f"{words} · loaded in {waited:.0f} s" if loading else words

    def waiting(self) -> str:
        """The text shown before the first token."""
        if time.perf_counter() - self.began > LOADING_S:
            return ":material/progress_activity: Loading the model. Only the first answer has to wait."
        return ":material/progress_activity: Reading the question"


def warm_up() -> None:
    """Prepare the inference process, once per session, so that the first answer arrives sooner."""
    if not st.session_state.get("_warmed_up"):
        st.session_state["_warmed_up"] = True
        chat.warm_up()


def ask(
    model_ids: Sequence[str], messages: Sequence[Message | Mapping[str, Any]], options: ChatOptions | None = None
) -> list[Answer]:
    """Send the same messages to each model; the returned answers grow while the caller draws them."""
    answers = [Answer(model_id) for model_id in model_ids]
    for answer in answers:
        threading.Thread(target=_read, args=(answer, list(messages), options or ChatOptions()), daemon=True).start()
    return answers


def while_open(answers: Sequence[Answer]) -> Iterable[None]:
    """Yield at each tick until all answers are complete, and once more after that."""
    while not all(answer.done for answer in answers):
        yield
        time.sleep(TICK_S)
    yield


def _read(answer: Answer, messages: list[Message | Mapping[str, Any]], options: ChatOptions) -> None:
    try:
        for chunk in chat.chunks(answer.model_id, messages, options):
            if chunk.text and answer.first_s is None:
                answer.first_s = time.perf_counter() - answer.began
            answer.text += chunk.text
            answer.tokens = chunk.completion_tokens or answer.tokens
    except Exception as error:  # shown by the page, in the card of this answer
        answer.error = error
    finally:
        answer.seconds = time.perf_counter() - answer.began
        answer.done = True
