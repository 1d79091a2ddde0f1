"""Answers in one batch: each says what it says alone, whoever joins and leaves beside it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.serving.targets.base import AnswerChunk, ChatOptions
from tests.support.answers import pieces_of
from tests.worker.inference import test_adapters
from tests.worker.inference.test_adapters import NAMES
from worker.inference.batches import Batch
from worker.inference.decoding import Generation
from worker.inference.engine import InferenceEngine
from worker.inference.prompts import Question
from worker.inference.requests import READ_AT_ONCE, GenerationRequest, NoRoom
from worker.inference.weights import Loaded
from worker.training.model_files import load_model, load_tokenizer

base = test_adapters.base
directories = test_adapters.directories
EVERY: list[str | None] = [*NAMES, None]


@pytest.fixture(scope="module")
def loaded(base: Path, directories: dict[str, Path]) -> Loaded:
    weights = Loaded(load_model(base).eval(), load_tokenizer(base))
    for name, directory in directories.items():
        weights.adapters.load(name, directory)
    return weights


class Answer:
    """A request and what was emitted for it."""

    def __init__(self, prompt: int, tokens: int = 10, **options: Any) -> None:
        self.pieces: list[AnswerChunk | Exception] = []
        ids = [5 + (7 * prompt + 3 * place) % 200 for place in range(3 + 4 * prompt)]
        self.ended, self.cancelled = threading.Event(), threading.Event()
        self.request = GenerationRequest(
            Question(SimpleNamespace(gguf=None), ids),  # type: ignore[arg-type]  the weights are given
            ChatOptions(max_tokens=tokens, **options),
            self._emit,
            self.cancelled,
        )

    def _emit(self, piece: AnswerChunk | Exception) -> None:
        self.pieces.append(piece)
        if isinstance(piece, Exception) or piece.finish_reason:
            self.ended.set()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, AnswerChunk))


def endless(request: GenerationRequest, loaded: Loaded, name: str | None) -> Generation:
    """An answer that goes on to its last token: a random model ends at any."""
    generation = Generation(request, loaded, name)
    generation._ends.clear()
    return generation


def alone(loaded: Loaded, prompt: int, name: str | None, **options: Any) -> str:
    generation = endless(Answer(prompt, **options).request, loaded, name)
    return "".join(piece.text for piece in pieces_of(generation))


class Engine(InferenceEngine):
    """The engine without its thread, on given weights: `rounds` goes through what the thread does."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__()
        self.weights, self.names = loaded, dict[int, str | None]()

    def _run(self) -> None:
        return None

    def _begin(self, request: GenerationRequest) -> Generation:
        return endless(request, self.weights, self.names[id(request)])

    def ask(self, answer: Answer, name: str | None) -> Answer:
        self.names[id(answer.request)] = name
        if not answer.request.bulk:
            self.reserve()
        self.submit(answer.request)
        return answer

    def rounds(self, number: int) -> None:
        for _ in range(number):
            if self._is_idle and self._inbox.empty():
                return
            self._admit()
            self._read()
            for batch in list(self._batches):
                self._advance(batch)

    @property
    def batches(self) -> list[Batch]:
        return self._batches


def test_every_kind_of_adapter_answers_in_company_as_alone(loaded: Loaded) -> None:
    engine = Engine(loaded)
    answers = {}
    for number, name in enumerate(EVERY):  # each joins a round later, with a prompt of another length
        answers[number, name] = engine.ask(Answer(number, tokens=6 + number), name)
        engine.rounds(1)
    engine.rounds(50)
    assert engine._count == 0
    assert engine._figures.snapshot()["answered"] == len(answers)
    for (number, name), answer in answers.items():
        assert answer.ended.is_set()
        assert answer.text == alone(loaded, number, name, tokens=6 + number), name
    assert len({answer.text for answer in answers.values()}) == len(answers)


def test_what_can_be_mixed_is_one_batch(loaded: Loaded) -> None:
    engine = Engine(loaded)
    mixed = ["lora-1", "lora-2", "qlora-1", "prefix_tuning-1", None]
    for name in (*mixed, "bottleneck_adapter-1", "bottleneck_adapter-2"):
        engine.ask(Answer(2), name)
    engine.rounds(1)
    assert sorted(len(batch.rows) for batch in engine.batches) == [1, 1, len(mixed)]


def test_one_that_ends_or_leaves_changes_nothing_for_the_others(loaded: Loaded) -> None:
    engine = Engine(loaded)
    long = [engine.ask(Answer(number, tokens=20), name) for number, name in enumerate(["lora-1", None, "lora-2"])]
    short = engine.ask(Answer(9, tokens=3), "lora-1")
    gone = engine.ask(Answer(8, tokens=20), "lora-2")
    engine.rounds(4)
    assert short.ended.is_set()
    gone.cancelled.set()
    engine.rounds(1)
    (batch,) = engine.batches
    assert (len(batch.rows), batch.width) == (3, max(row.length for row in batch.rows)), "no padding is left over"
    engine.rounds(30)
    for number, (answer, name) in enumerate(zip(long, ["lora-1", None, "lora-2"], strict=True)):
        assert answer.text == alone(loaded, number, name, tokens=20)
    assert not gone.ended.is_set()
    assert engine._count == 0


def test_sampling_depends_on_the_seed_alone(loaded: Loaded) -> None:
    drawn = {"temperature": 1.0, "seed": 7}
    engine = Engine(loaded)
    answer = engine.ask(Answer(1, **drawn), "lora-1")
    for number in range(3):
        engine.ask(Answer(number, temperature=1.0), None)
    engine.rounds(30)
    assert answer.text == alone(loaded, 1, "lora-1", **drawn) != alone(loaded, 1, "lora-1")


def test_a_long_prompt_is_read_in_pieces_between_the_steps_of_others(loaded: Loaded, monkeypatch: Any) -> None:
    from worker.inference import engine as module

    monkeypatch.setattr(module, "READ_AT_ONCE", 8)
    engine = Engine(loaded)
    first = engine.ask(Answer(0, tokens=12), None)
    engine.rounds(1)
    second = engine.ask(Answer(10, tokens=12), None)  # 43 tokens
    before = len(first.pieces)
    engine.rounds(4)
    assert not second.pieces
    assert len(first.pieces) > before
    engine.rounds(30)
    assert READ_AT_ONCE == 512
    assert second.text == alone(loaded, 10, None, tokens=12)


def test_a_step_that_fails_ends_no_other_answer(loaded: Loaded, monkeypatch: Any) -> None:
    engine = Engine(loaded)
    answers = [engine.ask(Answer(number, tokens=12), name) for number, name in enumerate(["lora-1", "lora-2", None])]
    engine.rounds(3)
    together = loaded.adapters.together
    failing = {"left": 1}

    def out_of_memory(self: Any, names: Any) -> Any:
        if failing["left"] and len(names) > 1:
            failing["left"] -= 1
            raise RuntimeError("out of memory")
        return together(names)

    monkeypatch.setattr(type(loaded.adapters), "together", out_of_memory)
    engine.rounds(1)
    assert [len(batch.rows) for batch in engine.batches] == [1, 1, 1]
    engine.rounds(30)
    for number, (answer, name) in enumerate(zip(answers, ["lora-1", "lora-2", None], strict=True)):
        assert answer.text == alone(loaded, number, name, tokens=12)


def test_an_error_of_one_row_is_its_own(loaded: Loaded, monkeypatch: Any) -> None:
    engine = Engine(loaded)
    answers = [engine.ask(Answer(number, tokens=12), None) for number in range(3)]
    engine.rounds(3)
    (batch,) = engine.batches

    def broken(*_: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(batch.rows[1], "take", broken)
    engine.rounds(30)
    assert isinstance(answers[1].pieces[-1], ValueError)
    for number in (0, 2):
        assert answers[number].text == alone(loaded, number, None, tokens=12)
    assert engine._count == 0


def test_answers_beyond_the_places_wait_in_their_order(loaded: Loaded, monkeypatch: Any) -> None:
    from worker.inference import engine as module

    monkeypatch.setattr(module, "MAX_ROWS", 2)
    engine = Engine(loaded)
    answers = [engine.ask(Answer(number, tokens=4), None) for number in range(5)]
    answers[2].cancelled.set()
    ended: list[int] = []
    for _ in range(30):
        engine.rounds(1)
        assert sum(len(batch.rows) for batch in engine.batches) <= 2
        ended += [number for number, answer in enumerate(answers) if answer.ended.is_set() and number not in ended]
    assert ended == [0, 1, 3, 4]
    assert engine._count == 0


def test_an_answer_whose_model_has_no_room_waits_for_the_others(loaded: Loaded, monkeypatch: Any) -> None:
    class Full(Engine):
        def _begin(self, request: GenerationRequest) -> Generation:
            if self._busy and request is second.request:
                raise NoRoom("“Large” needs about 3 GB of memory to answer; 1 GB are free.")
            return super()._begin(request)

    engine = Full(loaded)
    second = Answer(1, tokens=4)
    first = engine.ask(Answer(0, tokens=4), None)
    engine.ask(second, None)
    third = engine.ask(Answer(2, tokens=4), None)
    engine.rounds(2)
    assert (first.pieces != [], second.pieces, third.pieces) == (True, [], [])
    engine.rounds(30)
    assert all(answer.ended.is_set() for answer in (first, second, third))
    assert second.text == alone(loaded, 1, None, tokens=4)


def test_very_different_lengths_are_not_padded_to_each_other(loaded: Loaded, monkeypatch: Any) -> None:
    from worker.inference import batches

    monkeypatch.setattr(batches, "_SMALL", 0)
    engine = Engine(loaded)
    engine.ask(Answer(40), None)
    for _ in range(3):
        engine.ask(Answer(0), None)
    engine.rounds(1)
    assert sorted(len(batch.rows) for batch in engine.batches) == [1, 3]


def bulk(prompt: int, **options: Any) -> Answer:
    answer = Answer(prompt, **options)
    answer.request = replace(answer.request, bulk=True, streams=False)
    return answer


def test_prompts_of_the_same_length_are_read_together(loaded: Loaded) -> None:
    engine = Engine(loaded)
    names = ["lora-1", None, "lora-2", None, "lora-1"]
    asked = [(2 if number < 3 else 5, name) for number, name in enumerate(names)]
    loaded.reads_together = None
    answers = [engine.ask(bulk(prompt, tokens=9), name) for prompt, name in asked]
    engine.rounds(1)
    assert loaded.reads_together is True, "the first one was read alone, and showed how"
    engine.rounds(30)
    for answer, (prompt, name) in zip(answers, asked, strict=True):
        assert answer.text == alone(loaded, prompt, name, tokens=9)
        assert len(answer.pieces) == 1, "nobody reads along"
    assert engine.open == 0


def test_prompts_that_cannot_be_read_together_are_read_alone(loaded: Loaded, monkeypatch: Any) -> None:
    from worker.inference import decoding

    def broken(answers: Any) -> Any:
        raise RuntimeError("no memory for so many")

    monkeypatch.setattr(decoding, "read_together", broken)
    loaded.reads_together = True
    engine = Engine(loaded)
    answers = [engine.ask(bulk(2), None) for _ in range(3)]
    engine.rounds(30)
    assert loaded.reads_together is False
    assert {answer.text for answer in answers} == {alone(loaded, 2, None)}


def test_people_do_not_wait_for_bulk_requests(loaded: Loaded, monkeypatch: Any) -> None:
    from worker.inference import engine as module

    monkeypatch.setattr(module, "BULK_ROWS", 4)
    monkeypatch.setattr(module, "BULK_START", 2)
    engine = Engine(loaded)
    many = [engine.ask(bulk(2, tokens=6), None) for _ in range(20)]
    assert engine.open == 20
    engine.rounds(1)
    person = engine.ask(Answer(3, tokens=2), None)
    engine.rounds(2)
    assert person.ended.is_set()
    assert not all(answer.ended.is_set() for answer in many)
    engine.rounds(60)
    assert all(answer.ended.is_set() for answer in many)
