"""A target that models are published to, which answers as it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import ProviderError
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.targets import TARGETS, AnswerChunk, Availability, ChatOptions
from core.serving.targets.publishing import Progress, Publication, Route
from core.serving.targets.studio import Studio
from tests.support.registry import registered


class Shelf:
    """Takes the adapter. `says` is its answer to everything; `fails` is raised by everything that reaches it."""

    id = "shelf"
    title = "The shelf"
    connection = ""

    def __init__(self) -> None:
        self.says, self.ends = "It is blue.", True
        self.fails: ProviderError | None = None
        self.here: list[str] = []

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        ok = method is not None and method.id == "lora"
        return Availability(ok, "It takes adapters." if ok else "It takes LoRA adapters only.")

    def plan(self, publication: Publication) -> Route:
        return Route(("adapter",), "As an adapter.")

    def publish(
        self, publication: Publication, plan: Route, files: Mapping[str, Path], report: Progress
    ) -> dict[str, Any]:
        self._reach()
        assert (files["adapter"] / "adapter_config.json").is_file()
        report(0.5, "Half way")
        self.here.append(publication.name)
        return {"place": 1}

    def retire(self, publication: Publication, details: Mapping[str, Any]) -> None:
        self._reach()
        self.here.remove(publication.name)

    def ask(
        self, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        self._reach()
        yield AnswerChunk(self.says)
        yield AnswerChunk("", "stop" if self.ends else "length", 3, 4)

    def _reach(self) -> None:
        if self.fails:
            raise self.fails


@contextmanager
def shelf(monkeypatch: pytest.MonkeyPatch, studio: str = "It is blue.") -> Iterator[Shelf]:
    """The target, registered; the studio's own answer to everything is `studio`."""

    def chat(
        self: Studio, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions
    ) -> Iterator[AnswerChunk]:
        yield AnswerChunk(studio)
        yield AnswerChunk("", "stop", 3, 4)

    monkeypatch.setattr(Studio, "chat", chat)
    with registered(TARGETS, Shelf()) as target:
        yield target
