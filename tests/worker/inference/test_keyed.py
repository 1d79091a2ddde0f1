"""Requests with a key: they join what is under way, get what exists, and cause nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Conflict
from core.serving.targets.base import AnswerChunk
from worker.inference import keyed as module
from worker.inference.keyed import KEPT_S, KeyedAnswer, KeyedAnswers, fingerprint


class Clock:
    at = 1_000.0

    def __call__(self) -> float:
        return self.at


class Asked:
    """Requests to a set of keyed answers, and what was submitted for them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.answers = KeyedAnswers(self.clock)
        self.submitted: list[KeyedAnswer] = []

    def ask(self, key: str, of: str = "a") -> tuple[KeyedAnswer, list[Any]]:
        heard: list[Any] = []
        answer, _ = self.answers.ask(key, of, heard.append, self.submitted.append)
        return answer, heard

    def finish(self, key: str, text: str = "red") -> KeyedAnswer:
        answer, _ = self.ask(key)
        assert answer.begin()
        answer.emit(AnswerChunk(text, "stop"))
        return answer


def test_the_second_request_joins_the_answer_under_way() -> None:
    asked = Asked()
    answer, first = asked.ask("k")
    assert answer.begin()
    answer.emit(AnswerChunk("re"))
    _, second = asked.ask("k")
    answer.emit(AnswerChunk("d", "stop"))
    assert first == second == [AnswerChunk("re"), AnswerChunk("d", "stop")]
    assert (len(asked.submitted), asked.answers.joined) == (1, 1)


def test_a_finished_answer_is_handed_over_again() -> None:
    asked = Asked()
    asked.finish("k")
    _, heard = asked.ask("k")
    assert [one.text for one in heard] == ["red"]
    assert len(asked.submitted) == 1


def test_what_was_begun_goes_on_without_its_client_and_what_was_not_is_dropped() -> None:
    asked = Asked()
    begun, heard = asked.ask("begun")
    assert begun.begin()
    waiting, other = asked.ask("waiting")
    for answer, listener in ((begun, heard.append), (waiting, other.append)):
        asked.answers.leave(answer, listener)
    assert waiting.cancelled.is_set()
    assert not waiting.begin(), "the engine does not begin what nobody waits for"
    assert not begun.cancelled.is_set()
    begun.emit(AnswerChunk("red", "stop"))
    _, again = asked.ask("begun")
    assert [one.text for one in again] == ["red"]
    asked.ask("waiting")
    assert [one.key for one in asked.submitted] == ["begun", "waiting", "waiting"]


def test_a_key_belongs_to_one_request() -> None:
    asked = Asked()
    asked.finish("k")
    with pytest.raises(Conflict, match="had another body"):
        asked.ask("k", "b")
    names = {fingerprint("m", [1, 2]), fingerprint("m", [1, 3]), fingerprint("n", [1, 2]), fingerprint("m", [1, 2], 7)}
    assert len(names) == 4


def test_an_answer_that_failed_can_be_tried_again() -> None:
    asked = Asked()
    answer, heard = asked.ask("k")
    assert answer.begin()
    answer.emit(ValueError("no"))
    assert isinstance(heard[0], ValueError)
    asked.ask("k")
    assert len(asked.submitted) == 2


def test_finished_answers_are_kept_for_a_time_and_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    asked.finish("old")
    asked.clock.at += KEPT_S + 1
    asked.finish("new")
    assert list(asked.answers._kept) == ["new"]
    monkeypatch.setattr(module, "MOST_ANSWERS", 3)
    for number in range(5):
        asked.finish(f"k{number}")
    assert list(asked.answers._kept) == ["k2", "k3", "k4"]
    monkeypatch.setattr(module, "MOST_CHARACTERS", 10)
    asked.finish("long", "12345678")
    assert list(asked.answers._kept) == ["long"]
    assert asked.answers._characters == 8


def test_the_end_cancels_what_is_open_and_forgets_the_rest() -> None:
    asked = Asked()
    asked.finish("eval_1 a")
    asked.finish("eval_2 a")
    open_, _ = asked.ask("eval_1 b")
    assert open_.begin()
    asked.answers.end("eval_1 ")
    assert open_.cancelled.is_set()
    assert (list(asked.answers._kept), list(asked.answers._open)) == (["eval_2 a"], [])
