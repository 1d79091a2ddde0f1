"""Asks models of the studio through its engine, in this process: many answers of a model advance together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from core.errors import StudioError
from core.messages import Message
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.serving.evaluations.records import AnswerRecord, Contestant, EvaluationSettings
from core.serving.targets.base import AnswerChunk, ChatOptions
from worker.inference.engine import MAX_ROWS, GenerationRequest, InferenceEngine
from worker.inference.prompts import prepare_for
from worker.inference.served_models import Served, find
from worker.serving.evaluating.asking import GIVE_UP_AFTER, TICK_S, AskedQuestion

_ENGINE: Final = "studio"  # whatever was chosen for the model in chats


class StudioAsker:
    """Owns an engine, which keeps the weights of the models that were asked."""

    def __init__(self) -> None:
        self.engine = InferenceEngine()
        self._cancelled = threading.Event()

    def answers(
        self, model: Contestant, asked: Sequence[AskedQuestion], settings: EvaluationSettings
    ) -> Iterator[list[AnswerRecord]]:
        """See `Asker.answers`."""
        served = find(model.id, _ENGINE)
        outbox: queue.SimpleQueue[tuple[AskedQuestion, _Answer]] = queue.SimpleQueue()
        self._cancelled = cancelled = threading.Event()
        # Similar lengths together: a batch has little padding then.
        waiting = sorted(asked, key=lambda one: sum(len(message.content) for message in one.question.messages))
        left, open_answers, failures, succeeded = iter(waiting), 0, 0, False
        try:
            yield from self._loading(served, waiting[0], cancelled)
            while True:
                done: list[AnswerRecord] = []
                while open_answers < MAX_ROWS and (one := next(left, None)) is not None:
                    try:
                        question = prepare_for(served, one.question.messages)
                    except StudioError as error:
                        done.append(one.record(model, error=error.message))
                        continue
                    options = ChatOptions(one.max_tokens, settings.temperature, seed=one.seed(settings))
                    answer = _Answer(one, outbox.put)
                    self.engine.reserve()
                    self.engine.submit(GenerationRequest(question, options, answer.add, cancelled, one.schema))
                    open_answers += 1
                if open_answers:
                    for one, answer in _ready(outbox):
                        open_answers -= 1
                        if answer.error is None:
                            succeeded = True
                            done.append(answer.record(model))
                            continue
                        failures += 1
                        if not succeeded and failures >= min(GIVE_UP_AFTER, len(waiting)):
                            raise answer.error
                        text = getattr(answer.error, "message", type(answer.error).__name__)
                        done.append(one.record(model, error=str(text)))
                yield done
                if not open_answers and len(done) == 0:
                    return
        finally:
            cancelled.set()

    def _loading(
        self, served: Served, first: AskedQuestion, cancelled: threading.Event
    ) -> Iterator[list[AnswerRecord]]:
        """Let the engine load the weights, so that no answer's time contains that."""
        loaded = threading.Event()

        def emit(chunk: AnswerChunk | Exception) -> None:
            if isinstance(chunk, Exception) or chunk.finish_reason is not None:
                loaded.set()

        try:
            question = prepare_for(served, first.question.messages)
        except StudioError:
            return  # reported as the answer to this question
        self.engine.reserve()
        self.engine.submit(GenerationRequest(question, ChatOptions(1), emit, cancelled))
        while not loaded.wait(TICK_S):
            yield []

    def likelihoods(
        self, model: Contestant, asked: Sequence[EvaluationQuestion]
    ) -> Iterator[dict[int, tuple[float, int]]]:
        """{position: (log-probability of the expected output, its tokens)}, a few at a time."""
        from worker.inference import likelihood

        served = find(model.id, _ENGINE)
        whole = [(*question.messages, Message("assistant", question.expected)) for question in asked]
        for found in likelihood.of_outputs(self.engine.loader, served, whole):
            yield {asked[number].position: (logprob, tokens) for number, logprob, tokens in found}

    def close(self) -> None:
        """Stop what is being generated; the weights leave with the process."""
        self._cancelled.set()


class _Answer:
    """Collects the chunks of one answer in the engine's thread."""

    def __init__(self, asked: AskedQuestion, done: Callable[[tuple[AskedQuestion, _Answer]], None]) -> None:
        self._asked, self._done = asked, done
        self._began = time.perf_counter()
        self._pieces: list[str] = []
        self._last = AnswerChunk()
        self._seconds = 0.0
        self.error: Exception | None = None

    def add(self, chunk: AnswerChunk | Exception) -> None:
        """Take a chunk; the last one, or an error, hands the answer over."""
        if isinstance(chunk, Exception):
            self.error = chunk
        else:
            self._pieces.append(chunk.text)
            self._last = chunk
            if chunk.finish_reason is None:
                return
        self._seconds = time.perf_counter() - self._began
        self._done((self._asked, self))

    def record(self, model: Contestant) -> AnswerRecord:
        return self._asked.record(
            model,
            "".join(self._pieces).strip(),
            finish_reason=self._last.finish_reason or "",
            prompt_tokens=self._last.prompt_tokens,
            tokens=self._last.completion_tokens,
            seconds=round(self._seconds, 4),
        )


def _ready(outbox: queue.SimpleQueue[tuple[AskedQuestion, _Answer]]) -> Iterator[tuple[AskedQuestion, _Answer]]:
    """What is complete now; waits a moment for the first."""
    try:
        yield outbox.get(timeout=TICK_S)
        while True:
            yield outbox.get_nowait()
    except queue.Empty:
        return
