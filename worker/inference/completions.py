"""The open answers to one request: from the engine's thread to a complete response, or to a stream of events."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from core.errors import DataError
from core.models.tool_calls import CallReader
from core.serving.targets.base import AnswerChunk
from worker.inference import problems
from worker.inference.engine import InferenceEngine
from worker.inference.keyed import KeyedAnswer, Listener, fingerprint
from worker.inference.requests import GenerationRequest
from worker.inference.schema import SamplingRequest

if TYPE_CHECKING:
    from worker.inference.prompts import Question

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = {"Idempotent-Replayed": "true"}
MOST_KEY: Final = 200  # characters
_POLL_S = 0.5  # how often a waiting request checks that its client is still connected


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """A chunk of one of the answers; the last one has the tool calls."""

    number: int
    chunk: AnswerChunk
    calls: tuple[dict[str, Any], ...] = ()


class Disconnected(Exception):
    """The client disconnected."""


class OpenAnswers:
    """The chunks of all answers to one request, handed from the engine's thread to the event loop."""

    def __init__(
        self,
        engine: InferenceEngine,
        questions: Sequence[Question],
        body: SamplingRequest,
        schema: Mapping[str, Any] | None,
        key: str,
    ) -> None:
        self._engine, self._loop = engine, asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, AnswerChunk | Exception]] = asyncio.Queue()
        self._cancelled = threading.Event()
        asked = [question for question in questions for _ in range(body.answers)]
        self.count = self.open = len(asked)
        self._readers = [CallReader(question.calls) if question.calls else None for question in asked]
        self._joined: list[tuple[KeyedAnswer, Listener]] = []
        self.replayed = bool(key)
        for number, question in enumerate(asked):
            request = GenerationRequest(
                question, body.options(number % body.answers), self._to(number), self._cancelled, schema, body.stream
            )
            if key:
                self._join(f"{key} {number}", request)
            else:
                engine.submit(request)

    @classmethod
    async def opened(
        cls,
        engine: InferenceEngine,
        body: SamplingRequest,
        prepared: Callable[[], Sequence[Question]],
        places: int,
        headers: Mapping[str, str],
    ) -> OpenAnswers:
        """The answers to a body. Raises Busy; Conflict and DataError for a wrong key; and what `prepared` raises.

        Args:
            prepared: returns the questions; called in a thread.
            places: the number of answers.
            headers: of the request: with an `Idempotency-Key`, its answers exist once.
        """
        key = headers.get(HEADER, "")
        if len(key) > MOST_KEY:
            text = f"The key has {len(key):,} characters; the limit is {MOST_KEY}."
            raise DataError(text, "Use a UUID.", code="idempotency_key", field=HEADER)
        engine.reserve(places)
        try:
            questions, schema = await run_in_threadpool(prepared), body.answer_schema()
        except BaseException:
            engine.release(places)
            raise
        return cls(engine, questions, body, schema, key and f"{HEADER}: {key}")

    def _join(self, key: str, request: GenerationRequest) -> None:
        """Submit a request with a key, or join the answer that has it. Raises Conflict."""

        def submit(answer: KeyedAnswer) -> None:
            own = replace(request, emit=answer.emit, cancelled=answer.cancelled, starts=answer.begin)
            self._engine.submit(own)

        try:
            question = request.question
            of = fingerprint(question.served.id, question.ids, request.options, schema=request.schema)
            answer, existed = self._engine.keyed.ask(key, of, request.emit, submit)
        except BaseException:
            self._engine.release(self.count - len(self._joined))
            self.cancel()
            raise
        self._joined.append((answer, request.emit))
        if existed:
            self._engine.release()
        self.replayed = self.replayed and existed

    def _to(self, number: int) -> Any:
        def emit(item: AnswerChunk | Exception) -> None:
            if not self._cancelled.is_set():
                with suppress(RuntimeError):  # the loop has been closed: the process ends
                    self._loop.call_soon_threadsafe(self._queue.put_nowait, (number, item))

        return emit

    async def next(self, request: Request) -> AnswerPiece:
        """The next chunk of any answer. Raises what the engine raised, or Disconnected if the client has gone."""
        while True:
            try:
                number, item = await asyncio.wait_for(self._queue.get(), _POLL_S)
            except TimeoutError:
                if await request.is_disconnected():
                    raise Disconnected from None
                continue
            if isinstance(item, Exception):
                raise item
            self.open -= item.finish_reason is not None
            return self._read(number, item)

    def _read(self, number: int, chunk: AnswerChunk) -> AnswerPiece:
        """The chunk with its tool calls beside its text."""
        reader = self._readers[number]
        if reader is None:
            return AnswerPiece(number, chunk)
        shown = reader.add(chunk.text)
        if not chunk.finish_reason:
            return AnswerPiece(number, replace(chunk, text=shown))
        rest, calls = reader.rest()
        reason = "tool_calls" if calls else chunk.finish_reason
        return AnswerPiece(number, replace(chunk, text=shown + rest, finish_reason=reason), tuple(map(_call, calls)))

    def cancel(self) -> None:
        """Stop the generation; one with a key goes on for whoever sends the key again. No effect after the end."""
        self._cancelled.set()
        for answer, listener in self._joined:
            self._engine.keyed.leave(answer, listener)
        self._joined = []


class AnswerShape(Protocol):
    """How answers are written for a kind of request."""

    def opening(self, count: int) -> Iterator[str]:
        """The events before the first text."""

    def events(self, piece: AnswerPiece) -> Iterator[str]:
        """The events of a piece."""

    def usage(self, usage: dict[str, int]) -> str:
        """The last event, with the counts of tokens."""

    def completed(self, answers: Sequence[Sequence[AnswerPiece]], usage: dict[str, int]) -> dict[str, Any]:
        """The response with all answers."""


async def answer(answers: OpenAnswers, shape: AnswerShape, body: SamplingRequest, request: Request) -> Response:
    """The response to a request whose answers are open."""
    try:
        # the first chunk is awaited here, so that an earlier error becomes a status and not a broken stream
        first = await answers.next(request)
        if body.stream:
            events = _stream(answers, first, shape, body, request)
            stored = {"Cache-Control": "no-store"} | (REPLAYED if answers.replayed else {})
            return StreamingResponse(events, media_type="text/event-stream", headers=stored)
        return await _complete(answers, first, shape, body, request)
    except BaseException:
        answers.cancel()
        raise


async def _complete(
    answers: OpenAnswers, first: AnswerPiece, shape: AnswerShape, body: SamplingRequest, request: Request
) -> JSONResponse:
    """All answers in one response."""
    pieces: list[list[AnswerPiece]] = [[] for _ in range(answers.count)]
    pieces[first.number].append(first)
    while answers.open:
        piece = await answers.next(request)
        pieces[piece.number].append(piece)
    answers.cancel()
    usage = _usage({number: of[-1].chunk for number, of in enumerate(pieces)}, body.answers)
    return JSONResponse(shape.completed(pieces, usage), headers=REPLAYED if answers.replayed else None)


async def _stream(
    answers: OpenAnswers, first: AnswerPiece, shape: AnswerShape, body: SamplingRequest, request: Request
) -> AsyncIterator[str]:
    """Server-sent events; when the client disconnects, the generator is closed and the generation stops."""
    last: dict[int, AnswerChunk] = {}
    try:
        for text in shape.opening(answers.count):
            yield text
        piece = first
        while True:
            for text in shape.events(piece):
                yield text
            if piece.chunk.finish_reason:
                last[piece.number] = piece.chunk
            if not answers.open:
                break
            piece = await answers.next(request)
        if body.streams_usage:
            yield shape.usage(_usage(last, body.answers))
        yield "data: [DONE]\n\n"
    except Disconnected:
        return
    except Exception as error:  # the status is already sent: the error becomes an event
        yield event(problems.body_of(error))
        yield "data: [DONE]\n\n"
    finally:
        answers.cancel()


def _call(call: tuple[str, str]) -> dict[str, Any]:
    function = {"name": call[0], "arguments": call[1]}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def event(content: dict[str, Any]) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _usage(last: Mapping[int, AnswerChunk], answers: int) -> dict[str, int]:
    """Each prompt counts once, the tokens of every answer to it."""
    prompt = sum(chunk.prompt_tokens for number, chunk in last.items() if number % answers == 0)
    written = sum(chunk.completion_tokens for chunk in last.values())
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
