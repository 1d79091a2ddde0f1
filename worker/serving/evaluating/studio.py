"""Asks models of the studio through its inference process, where many answers of a model advance together."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.errors import DataError, StudioError
from core.messages import Message
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.render import labels_of, render
from core.models.tool_calls import CallReader, as_text, of_template
from core.models.tool_calls.base import CallSyntax
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.serving.evaluations.records import AnswerRecord, Contestant, EvaluationSettings
from worker.inference.prompts import prepare_for
from worker.inference.served_models import Served, find
from worker.serving.evaluating.asking import GIVE_UP_AFTER, TICK_S, AskedQuestion
from worker.serving.evaluating.inference import BulkCall, InferenceProcess, Lost, error_of

_ENGINE: Final = "studio"  # whatever was chosen for the model in chats
_AT_ONCE: Final = 256  # questions of one request; the next one follows before these are answered
_AHEAD: Final = 96  # open questions below which the next request is sent: more than advance together
_MOST_TOKENS: Final = 200_000  # of the prompts of one request
_MOST_LOST: Final = 3  # times in a row that the process may end without an answer in between

_Inbox = queue.SimpleQueue[Mapping[str, Any] | Exception]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is sent, and the record of the line that comes back."""

    sent: Mapping[str, Any]
    record: Callable[[Mapping[str, Any]], Any]

    @property
    def key(self) -> str:
        return str(self.sent["key"])


class StudioAsker:
    """Asks for one evaluation, whose id begins the key of every question."""

    def __init__(self, evaluation_id: str) -> None:
        self._evaluation_id = evaluation_id
        self._process = InferenceProcess()
        self._error: StudioError | None = None  # the last one of an answer

    def answers(
        self, model: Contestant, asked: Sequence[AskedQuestion], settings: EvaluationSettings
    ) -> Iterator[list[AnswerRecord]]:
        """See `Asker.answers`."""
        served = find(model.id, _ENGINE)
        # Similar lengths together: their prompts are read together, and a batch has little padding.
        waiting = sorted(asked, key=lambda one: sum(len(message.content) for message in one.question.messages))
        failures, succeeded = 0, False
        refused: list[AnswerRecord] = []
        refusal: StudioError | None = None
        asked_any = False

        def questions() -> Iterator[_Question]:
            nonlocal refusal, asked_any
            for one in waiting:
                try:
                    question = self._question(model, served, one, settings)
                except StudioError as error:
                    refused.append(one.record(model, error=error.message))
                    refusal = refusal or error
                else:
                    asked_any = True
                    yield question

        for found in self._asked(served.id, "questions", questions()):
            done, refused[:] = [*refused], []
            for record in found:
                done.append(record)
                succeeded = succeeded or not record.error
                failures += bool(record.error)
                if not succeeded and failures >= min(GIVE_UP_AFTER, len(waiting)):
                    assert self._error is not None
                    raise self._error
            yield done
        if refusal is not None and not asked_any and not waiting[0].question.is_judgment:
            raise refusal  # no figure could be of anything; those without a judge's opinion remain
        yield refused

    def likelihoods(
        self, model: Contestant, asked: Sequence[EvaluationQuestion]
    ) -> Iterator[dict[int, tuple[float, int]]]:
        """{position: (log-probability of the expected output, its tokens)}, a few at a time."""
        served = find(model.id, _ENGINE)
        waiting = sorted(asked, key=lambda one: len(one.expected) + sum(len(part.content) for part in one.messages))
        outputs = (found for one in waiting if (found := self._output(model, served, one)) is not None)
        for lines in self._asked(served.id, "outputs", outputs):
            yield {position: likelihood for position, likelihood in lines if likelihood is not None}

    def _question(
        self, model: Contestant, served: Served, one: AskedQuestion, settings: EvaluationSettings
    ) -> _Question:
        asked = prepare_for(served, one.question.messages, one.question.tools)
        syntax = asked.calls or (_syntax(served) if one.question.expects_calls else None)
        sent = {
            "key": one.name(self._evaluation_id, model),
            "ids": asked.ids,
            "max_tokens": one.max_tokens,
            "temperature": settings.temperature,
            "seed": one.seed(settings),
            "answer_schema": one.schema,
            "special": syntax is not None,
        }

        def record(line: Mapping[str, Any]) -> AnswerRecord:
            if "error" in line:
                self._error = error_of(line)
                return one.record(model, error=self._error.message)
            text, called = _read(line["text"], syntax)
            return one.record(
                model,
                text,
                finish_reason="tool_calls" if called else line["finish_reason"],
                prompt_tokens=line["prompt_tokens"],
                tokens=line["tokens"],
                seconds=round(line["seconds"], 4),
            )

        return _Question(sent, record)

    def _output(self, model: Contestant, served: Served, question: EvaluationQuestion) -> _Question | None:
        """None where the conversation cannot be rendered, or is longer than the model reads."""
        assert served.base.path is not None
        assert served.base.dims is not None
        quiet = [replace(one, weight=0) if one.role == "assistant" else one for one in question.messages]
        try:
            tokenizer = load_tokenizer(served.base.path, served.base.revision)
            output = replace(question.output or Message("assistant", question.expected), weight=None)
            rendered = render([*quiet, output], tokenizer, question.tools)
        except DataError:
            return None
        labels = labels_of(rendered.input_ids, rendered.loss, completion_only=True)
        if len(labels) > served.base.dims.max_position_embeddings or not any(label >= 0 for label in labels[1:]):
            return None
        key = (self._evaluation_id, model.id, "output", str(question.position))
        sent = {"key": " ".join(key), "ids": list(rendered.input_ids), "labels": labels}

        def record(line: Mapping[str, Any]) -> tuple[int, tuple[float, int] | None]:
            found = (float(line["logprob"]), int(line["tokens"])) if "error" not in line else None
            return question.position, found

        return _Question(sent, record)

    def _asked(self, model: str, kind: str, questions: Iterator[_Question]) -> Iterator[list[Any]]:
        """Send the questions, a few hundred at a time, and yield what comes back; empty lists while nothing does.

        Raises:
            ProviderUnavailable: the process does not respond. StudioError: the model cannot be served.
        """
        inbox: _Inbox = queue.SimpleQueue()
        sent: list[BulkCall] = []
        open_: dict[str, _Question] = {}
        lost, more = 0, True
        try:
            while more or open_:
                while more and len(open_) < _AHEAD:
                    more = bool(found := _slice(questions))
                    if found:
                        open_.update((one.key, one) for one in found)
                        sent.append(_call(model, kind, found, inbox))
                done, broken = [], False
                for item in _ready(inbox) if open_ else ():
                    if isinstance(item, Lost):
                        broken = True
                    elif isinstance(item, Exception):
                        raise item
                    elif (one := open_.pop(str(item["key"]), None)) is not None:
                        done.append(one.record(item))
                        lost = 0
                yield done
                if broken and open_:
                    lost += 1
                    if lost > _MOST_LOST:
                        raise Lost
                    yield from ([] for _ in self._process.waiting())
                    for call in sent:
                        call.close()
                    inbox = queue.SimpleQueue()
                    sent = [_call(model, kind, list(open_.values()), inbox)]
        finally:
            for call in sent:
                call.close()

    def close(self, *, ends: bool) -> None:
        """See `Asker.close`."""
        if ends:
            self._process.end(f"{self._evaluation_id} ")
        self._process.close()


def _syntax(served: Served) -> CallSyntax | None:
    assert served.base.path is not None
    return of_template(load_tokenizer(served.base.path, served.base.revision).chat_template or "")


def _read(text: str, syntax: CallSyntax | None) -> tuple[str, bool]:
    """The text of an answer, and whether it is calls: what is written beside those is not compared, so it is left
    out."""
    if syntax is None:
        return text.strip(), False
    reader = CallReader(syntax)
    shown = reader.add(text)
    rest, found = reader.rest()
    return (as_text.written(found), True) if found else (f"{shown}{rest}".strip(), False)


def _slice(questions: Iterator[_Question]) -> list[_Question]:
    """The next questions, those of the same length beside each other."""
    found: list[_Question] = []
    tokens = 0
    for one in questions:
        found.append(one)
        tokens += len(one.sent["ids"])
        if len(found) == _AT_ONCE or tokens >= _MOST_TOKENS:
            break
    return sorted(found, key=lambda one: len(one.sent["ids"]))


def _call(model: str, kind: str, found: Sequence[_Question], inbox: _Inbox) -> BulkCall:
    given: dict[str, Sequence[Mapping[str, Any]]] = {kind: [one.sent for one in found]}
    return BulkCall(model, inbox.put, **given)


def _ready(inbox: _Inbox) -> Iterator[Mapping[str, Any] | Exception]:
    """What has come; waits a moment for the first."""
    try:
        yield inbox.get(timeout=TICK_S)
        while True:
            yield inbox.get_nowait()
    except queue.Empty:
        return
