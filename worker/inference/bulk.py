"""Many questions to one model in one request: each answer is a line of JSON, sent when it is complete.

Every question has a key (`worker.inference.keyed`). A program that ends in the middle and asks again gets the answers
that exist, and those that were under way, which go on without it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from core.serving.targets.base import AnswerChunk, ChatOptions
from worker.inference import problems
from worker.inference.engine import InferenceEngine
from worker.inference.keyed import KeyedAnswer, Listener, ends, fingerprint
from worker.inference.requests import GenerationRequest, Likelihood, LikelihoodRequest
from worker.inference.schema import MAX_ANSWER_TOKENS

if TYPE_CHECKING:
    from worker.inference.served_models import Served

log = logging.getLogger(__name__)

MOST_QUESTIONS: Final = 1_000
ENGINE: Final = "studio"  # whatever was chosen for the model in chats
LINES: Final = "application/x-ndjson"

Key = Annotated[str, Field(min_length=1, max_length=400)]


class BulkQuestion(BaseModel):
    """A prompt as token ids, and how its answer is sampled; `special` keeps special tokens, which may begin a call."""

    key: Key
    ids: list[int] = Field(min_length=1)
    max_tokens: int = Field(ge=1, le=MAX_ANSWER_TOKENS)
    temperature: float = Field(default=0.0, ge=0, le=2, allow_inf_nan=False)
    seed: int | None = None
    answer_schema: dict[str, Any] | None = None
    special: bool = False


class BulkOutput(BaseModel):
    """A conversation with its output as token ids; `labels` is -100 where a token is not measured."""

    key: Key
    ids: list[int] = Field(min_length=1)
    labels: list[int]


class BulkRequest(BaseModel):
    """The body: questions to answer, outputs to measure."""

    model: str
    questions: list[BulkQuestion] = Field(default=[], max_length=MOST_QUESTIONS)
    outputs: list[BulkOutput] = Field(default=[], max_length=MOST_QUESTIONS)


async def answer(engine: InferenceEngine, request: Request) -> Response:
    """The stream of lines. Raises NotFound, StorageError: the model cannot be served; RequestValidationError."""
    from worker.inference.served_models import find  # imported here: the services take half of the startup time

    raw = await request.body()

    def prepared() -> tuple[BulkRequest, Served]:
        try:
            body = BulkRequest.model_validate_json(raw)
        except ValidationError as error:
            raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error
        return body, find(body.model, ENGINE)

    body, served = await run_in_threadpool(prepared)
    return StreamingResponse(_Answers(engine, served).lines(body), media_type=LINES)


class _Answers:
    """The answers to one request."""

    def __init__(self, engine: InferenceEngine, served: Served) -> None:
        self._engine, self._served = engine, served
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._texts: dict[str, list[str]] = {}
        self._asked: list[tuple[KeyedAnswer, Listener]] = []

    async def lines(self, body: BulkRequest) -> AsyncIterator[str]:
        """One for each key, in the order in which they are complete."""
        left = {*(one.key for one in body.questions), *(one.key for one in body.outputs)}
        try:
            await run_in_threadpool(self._submit, body)
            while left:
                found = [await self._queue.get()]
                while not self._queue.empty():
                    found.append(self._queue.get_nowait())
                lines = [self._line(key, item) for key, item in found if key in left and ends(item)]
                left.difference_update(key for key, item in found if ends(item))
                if lines:
                    yield "".join(lines)
        finally:
            for answer, listener in self._asked:
                self._engine.keyed.leave(answer, listener)

    def _submit(self, body: BulkRequest) -> None:
        for question in body.questions:
            self._ask(question)
        outputs: list[LikelihoodRequest] = []
        for output in body.outputs:
            self._measure(output, outputs)
        self._engine.measure(outputs)

    def _ask(self, question: BulkQuestion) -> None:
        from worker.inference.prompts import Question

        options = ChatOptions(question.max_tokens, question.temperature, seed=question.seed, special=question.special)
        schema = question.answer_schema

        def submit(answer: KeyedAnswer) -> None:
            asked = Question(self._served, question.ids)
            self._engine.submit(
                GenerationRequest(
                    asked, options, answer.emit, answer.cancelled, schema, streams=False, bulk=True, starts=answer.begin
                )
            )

        self._join(question.key, fingerprint(self._served.id, question.ids, options, schema=schema), submit)

    def _measure(self, output: BulkOutput, outputs: list[LikelihoodRequest]) -> None:
        def submit(answer: KeyedAnswer) -> None:
            outputs.append(
                LikelihoodRequest(self._served, output.ids, output.labels, answer.emit, answer.cancelled, answer.begin)
            )

        self._join(output.key, fingerprint(self._served.id, output.ids, output.labels), submit)

    def _join(self, key: str, of: str, submit: Any) -> None:
        listener = self._listener(key)
        try:
            answer, _ = self._engine.keyed.ask(key, of, listener, submit)
        except Exception as error:  # belongs to this key
            listener(error)
        else:
            self._asked.append((answer, listener))

    def _listener(self, key: str) -> Listener:
        def listen(item: Any) -> None:
            with suppress(RuntimeError):  # the loop has been closed: the process ends
                self._loop.call_soon_threadsafe(self._note, key, item)

        return listen

    def _note(self, key: str, item: Any) -> None:
        if isinstance(item, AnswerChunk):
            self._texts.setdefault(key, []).append(item.text)
        self._queue.put_nowait((key, item))

    def _line(self, key: str, item: Any) -> str:
        return json.dumps({"key": key, **self._result(key, item)}, ensure_ascii=False) + "\n"

    def _result(self, key: str, item: Any) -> Mapping[str, Any]:
        if isinstance(item, Likelihood):
            return {"logprob": item.logprob, "tokens": item.tokens}
        if isinstance(item, AnswerChunk):
            return {
                "text": "".join(self._texts.pop(key)),
                "finish_reason": item.finish_reason,
                "prompt_tokens": item.prompt_tokens,
                "tokens": item.completion_tokens,
                "seconds": item.seconds,
            }
        return problems.body_of(item)
