"""What the process counts of its own work, and the screen that shows it."""

from __future__ import annotations

import httpx
import pytest

from core.services.serving import live
from tests.worker.inference.conftest import Served
from worker.inference.live_figures import WINDOW_S, LiveFigures


class Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_tokens_per_second_are_of_the_seconds_that_had_some() -> None:
    clock = Clock()
    figures = LiveFigures(clock)
    nothing = {"generations": 0, "answered": 0, "measured": 0}
    assert figures.snapshot() == {**nothing, "idle_s": None, "tokens_per_s": 0.0}
    figures.tokens(3)
    assert figures.snapshot()["tokens_per_s"] == 3, "the first second counts while there is no other"
    for clock.at in (101.25, 101.5, 105.0):
        figures.tokens(5)
    figures.generation()
    figures.answer()
    figures.measured(2)
    assert figures.snapshot()["tokens_per_s"] == (3 + 10) / 2, "the current second is not complete"
    clock.at = 106.5
    done = {"generations": 1, "answered": 1, "measured": 2}
    assert figures.snapshot() == {**done, "idle_s": 1.5, "tokens_per_s": (3 + 10 + 5) / 3}
    clock.at += WINDOW_S
    assert figures.snapshot()["tokens_per_s"] == 0


def test_the_process_reports_what_it_did(at_the_studio: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_known", {})
    body = {"model": at_the_studio.first, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}
    for _ in range(2):
        httpx.post(f"{at_the_studio.url}/v1/chat/completions", json=body, timeout=180, trust_env=False)
    found = live.figures()
    assert found is not None
    assert (found.open, found.waiting, found.answered) == (0, 0, 2)
    assert "Tuned 1" in found.loaded
    assert found.memory_bytes > 50_000_000
    assert found.tokens_per_s > 0
    assert found.is_busy
    assert not found.is_quiet
    assert live.figures() is found, "asked again after a second at the earliest"


def test_a_process_that_does_not_respond_has_no_figures(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")
    assert live.figures() is None
