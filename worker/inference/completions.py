"""The open answers to one request: from the engine's thread to a complete response, or to a stream of events."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from core.models.tool_calls import CallReader
from core.serving.targets.base import AnswerChunk
from worker.inference import problems
from worker.inference.engine import GenerationRequest, InferenceEngine
from worker.inference.schema import SamplingRequest

if TYPE_CHECKING:
    from worker.inference.prompts import Question

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

    def __init__(self, engine: InferenceEngine, questions: Sequence[Question], body: SamplingRequest) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, AnswerChunk | Exception]] = asyncio.Queue()
        self._cancelled = threading.Event()
        schema = body.answer_schema()
        asked = [question for question in questions for _ in range(body.answers)]
        self.count = self.open = len(asked)
        self._readers = [CallReader(question.calls) if question.calls else None for question in asked]
        for number, question in enumerate(asked):
            options = body.options(number % body.answers)
            engine.submit(GenerationRequest(question, options, self._to(number), self._cancelled, schema))

    @classmethod
    async def opened(
        cls, engine: InferenceEngine, body: SamplingRequest, prepared: Callable[[], Sequence[Question]], places: int
    ) -> OpenAnswers:
        """The answers to a body. Raises Busy, and what `prepared` raises.

        Args:
            prepared: returns the questions; called in a thread.
            places: the number of answers.
        """
        engine.reserve(places)
        try:
            return cls(engine, await run_in_threadpool(prepared), body)
        except BaseException:
            engine.release(places)
            raise

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
        """Stop the generation; no effect after its end."""
        self._cancelled.set()


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
            return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
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
    usage = _usage({number: of[-1].chunk for number, of in enumerate(pieces)}, body.answers)
    return JSONResponse(shape.completed(pieces, usage))


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
