"""A chat completion in OpenAI's shapes: one or several answers to a conversation, complete or streamed."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from core.models.tool_calls import CallReader
from core.serving.targets.base import AnswerChunk, TokenLogprob
from worker.inference import problems
from worker.inference.engine import GenerationRequest, InferenceEngine
from worker.inference.schema import ChatRequest

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

    def __init__(self, engine: InferenceEngine, question: Question, body: ChatRequest) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, AnswerChunk | Exception]] = asyncio.Queue()
        self._cancelled = threading.Event()
        self.open = body.answers
        schema = body.answer_schema()
        self._readers = [CallReader(question.calls) if question.calls else None for _ in range(body.answers)]
        for number in range(body.answers):
            engine.submit(GenerationRequest(question, body.options(number), self._to(number), self._cancelled, schema))

    @classmethod
    async def opened(cls, engine: InferenceEngine, body: ChatRequest) -> OpenAnswers:
        """The answers to a body. Raises Busy, and as `prompts.prepare`."""
        from worker.inference.prompts import (
            prepare,
        )  # imported here, because the services take half of the startup time

        engine.reserve(body.answers)
        try:
            question = await run_in_threadpool(prepare, body.model, body.conversation(), body.offered())
            return cls(engine, question, body)
        except BaseException:
            engine.release(body.answers)
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


class Envelope:
    """The fields that every object of one completion has."""

    def __init__(self, model: str, *, streamed: bool) -> None:
        self.base = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion.chunk" if streamed else "chat.completion",
            "created": int(time.time()),
            "model": model,
        }

    def completed(self, answers: Sequence[Sequence[AnswerPiece]], *, logprobs: bool) -> dict[str, Any]:
        choices = []
        for number, pieces in enumerate(answers):
            text, calls = "".join(piece.chunk.text for piece in pieces), list(pieces[-1].calls)
            message = {"role": "assistant", "content": None if calls and not text.strip() else text, "refusal": None}
            noted = [token for piece in pieces for token in piece.chunk.logprobs]
            choices.append(
                {
                    "index": number,
                    "message": message | ({"tool_calls": calls} if calls else {}),
                    "logprobs": _logprobs(noted) if logprobs else None,
                    "finish_reason": pieces[-1].chunk.finish_reason,
                }
            )
        return {**self.base, "choices": choices, "usage": _usage([pieces[-1].chunk for pieces in answers])}

    def delta(self, number: int, delta: dict[str, Any], chunk: AnswerChunk | None = None) -> str:
        """An event with a change to one answer; `chunk` has its log-probabilities and the reason of its end."""
        choice = {
            "index": number,
            "delta": delta,
            "logprobs": _logprobs(chunk.logprobs) if chunk is not None and chunk.logprobs else None,
            "finish_reason": chunk.finish_reason if chunk is not None and not delta else None,
        }
        return _event({**self.base, "choices": [choice]})

    def usage(self, last: Sequence[AnswerChunk]) -> str:
        return _event({**self.base, "choices": [], "usage": _usage(last)})


async def complete(answers: OpenAnswers, first: AnswerPiece, body: ChatRequest, request: Request) -> JSONResponse:
    """All answers in one response."""
    pieces: list[list[AnswerPiece]] = [[] for _ in range(body.answers)]
    pieces[first.number].append(first)
    while answers.open:
        piece = await answers.next(request)
        pieces[piece.number].append(piece)
    return JSONResponse(Envelope(body.model, streamed=False).completed(pieces, logprobs=bool(body.logprobs)))


async def stream(answers: OpenAnswers, first: AnswerPiece, body: ChatRequest, request: Request) -> AsyncIterator[str]:
    """Server-sent events; when the client disconnects, the generator is closed and the generation stops."""
    envelope, last = Envelope(body.model, streamed=True), list[AnswerChunk]()
    try:
        for number in range(body.answers):
            yield envelope.delta(number, {"role": "assistant", "content": ""})
        piece = first
        while True:
            number, chunk = piece.number, piece.chunk
            if chunk.text or chunk.logprobs:
                yield envelope.delta(number, {"content": chunk.text}, chunk)
            if piece.calls:
                calls = [{"index": place, **call} for place, call in enumerate(piece.calls)]
                yield envelope.delta(number, {"tool_calls": calls})
            if chunk.finish_reason:
                last.append(chunk)
                yield envelope.delta(number, {}, AnswerChunk(finish_reason=chunk.finish_reason))
            if not answers.open:
                break
            piece = await answers.next(request)
        if body.stream_options and body.stream_options.include_usage:
            yield envelope.usage(last)
        yield "data: [DONE]\n\n"
    except Disconnected:
        return
    except Exception as error:  # the status is already sent: the error becomes an event
        yield _event(problems.body_of(error))
        yield "data: [DONE]\n\n"
    finally:
        answers.cancel()


def _call(call: tuple[str, str]) -> dict[str, Any]:
    function = {"name": call[0], "arguments": call[1]}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _usage(last: Sequence[AnswerChunk]) -> dict[str, int]:
    """The prompt counts once, the tokens of every answer."""
    prompt, written = last[0].prompt_tokens, sum(chunk.completion_tokens for chunk in last)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def _logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    content = [
        {**_named(token.token, token.logprob), "top_logprobs": [_named(*pair) for pair in token.likeliest]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _named(token: str, logprob: float) -> dict[str, Any]:
    # A token that is part of a character has no text, so that its bytes are not known.
    whole = "\ufffd" not in token
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8")) if whole else None}
