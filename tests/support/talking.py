"""A target that answers without a model: it says what it was sent, and can be held back in the middle of an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.services.serving import chat, conversations
from core.services.training.models import ModelRecord
from core.serving.targets import TARGETS, AnswerChunk, Availability, ChatOptions
from core.serving.targets.studio import Studio
from tests.support import runs
from tests.support.registry import registered

WAIT_S = 120


class Talker:
    """Answers every model. `asked` holds the conversations it was sent; `go` is cleared to hold answers back after
    their first word; `error` is raised after the first word."""

    id = "talker"
    title = "Talker"

    def __init__(self) -> None:
        self.asked: list[list[dict[str, Any]]] = []
        self.options: list[ChatOptions] = []
        self.go, self.closed, self.began = threading.Event(), threading.Event(), threading.Event()
        self.go.set()
        self.error: Exception | None = None
        self.says = ""  # in place of the number of the conversation

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        return Availability(True, "It answers everything.")

    def health(self) -> Availability:
        return Availability(True, "It listens.")

    def warm_up(self) -> None:
        return None

    def chat(self, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions) -> Iterator[AnswerChunk]:
        self.asked.append([dict(message) for message in messages])
        self.options.append(options)
        try:
            yield AnswerChunk(self.says or "Answer ")
            self.began.set()
            if self.error:
                raise self.error
            while not self.go.wait(0.05):
                yield AnswerChunk("")
            yield AnswerChunk("" if self.says else f"{len(self.asked)}", "stop", 12, 3)
        finally:
            self.closed.set()


@contextmanager
def talking(monkeypatch: pytest.MonkeyPatch, *, any_model: bool = False) -> Iterator[Talker]:
    """Let the talker serve every model instead of the studio; with `any_model` also those that do not exist."""
    monkeypatch.setattr(Studio, "can_serve", lambda self, base, method: Availability(False, "Not here."))
    with registered(TARGETS, Talker()) as talker:
        if any_model:
            monkeypatch.setattr(chat, "_served", lambda model_id: (talker, model_id))
            monkeypatch.setattr(chat, "identity", lambda model_id: chat.ServedModel(model_id, model_id, "", "", ""))
        try:
            yield talker
        finally:
            talker.go.set()


def tuned(directory: Path, name: str = "Support - Starter - v1") -> ModelRecord:
    """A tuned model of the shipped sample; small files stand for its weights."""
    return runs.succeed(runs.launch(runs.dataset(f"Data of {name}"), name), directory)


def finished(conversation_id: str) -> conversations.ConversationRecord:
    """The conversation, once its last answer has its final state."""
    for _ in range(WAIT_S * 100):
        found = conversations.get_conversation(conversation_id)
        if found.last is None or not found.last.is_running:
            return found
        threading.Event().wait(0.01)
    raise AssertionError("the answer is still running")
