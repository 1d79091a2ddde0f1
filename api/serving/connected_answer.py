"""An answer of a model behind a connection, in OpenAI's shape: in one piece, or as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from core.errors import DataError
from core.ids import new_id
from core.services.serving import chat
from core.services.serving.chat import AnswerChunk, ChatOptions

_STREAM: Final = {"content-type": "text/event-stream", "cache-control": "no-cache"}


class _Asked(BaseModel):
    """What is read of a request. The inference process checks those for its own models; servers elsewhere differ."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


_NOT_PASSED: Final[Mapping[str, tuple[Any, ...]]] = {  # a field of OpenAI, and the values that ask for nothing
    "tools": (None, []),
    "functions": (None, []),
    "n": (None, 1),
    "logprobs": (None, False),
    "response_format": (None, {"type": "text"}),
}


def check(body: Mapping[str, Any]) -> None:
    """Raises DataError: a value of a request is not possible, or not passed on, before anything is asked."""
    for name, allowed in _NOT_PASSED.items():
        if body.get(name) not in allowed:
            text = f"{name} is not passed on to a model that answers at its service."
            raise DataError(text, f"Leave out {name}, or ask a model of this studio.", field=name)
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        text = "The request contains half a character (a lone surrogate), or an infinite number."
        raise DataError(text, "Remove it.") from None
    try:
        _Asked.model_validate(dict(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise DataError(f"{field}: {first['msg']}.", f"Correct {field}.", field=field) from None


class ConnectedAnswer:
    """The answer, with what a relay reads of a response of the inference process."""

    status_code = 200

    def __init__(self, body: Mapping[str, Any], first: AnswerChunk | None, chunks: Generator[AnswerChunk]) -> None:
        self._body, self._first, self._chunks = body, first, chunks
        self.streams = bool(body.get("stream"))
        self.headers = dict(_STREAM) if self.streams else {"content-type": "application/json"}
        self._shared = {"id": new_id("chatcmpl"), "created": int(time.time()), "model": body["model"]}

    async def aread(self) -> bytes:
        """The complete answer."""
        text, last = "", AnswerChunk()
        async for chunk in self._all():
            text, last = text + chunk.text, chunk
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": last.finish_reason}
        usage = _usage(last)
        whole = {**self._shared, "object": "chat.completion", "choices": [choice], "usage": usage}
        return json.dumps(whole).encode()

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """The events of a stream."""
        yield self._event({"role": "assistant", "content": ""}, None)
        last = AnswerChunk()
        async for chunk in self._all():
            last = chunk
            if chunk.text:
                yield self._event({"content": chunk.text}, None)
        yield self._event({}, last.finish_reason or "stop")
        if (self._body.get("stream_options") or {}).get("include_usage"):
            event = {**self._shared, "object": "chat.completion.chunk", "choices": [], "usage": _usage(last)}
            yield f"data: {json.dumps(event)}\n\n".encode()
        yield b"data: [DONE]\n\n"

    def _event(self, delta: dict[str, str], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        event = {**self._shared, "object": "chat.completion.chunk", "choices": [choice]}
        return f"data: {json.dumps(event)}\n\n".encode()

    async def _all(self) -> AsyncIterator[AnswerChunk]:
        chunk = self._first
        while chunk is not None:
            yield chunk
            chunk = await run_in_threadpool(next, self._chunks, None)


@asynccontextmanager
async def opened(body: Mapping[str, Any]) -> AsyncIterator[ConnectedAnswer]:
    """The answer to a request, once its first piece has arrived. Raises StudioError: the server does not answer."""
    chunks = chat.chunks(str(body["model"]), body.get("messages") or [], _options(body))
    try:
        first = await run_in_threadpool(next, chunks, None)
        yield ConnectedAnswer(body, first, chunks)
    finally:
        with suppress(ValueError):  # a thread is still waiting for the next piece
            chunks.close()


def _options(body: Mapping[str, Any]) -> ChatOptions:
    usual = ChatOptions()
    stop = body.get("stop") or ()
    return ChatOptions(
        max_tokens=int(body.get("max_completion_tokens") or body.get("max_tokens") or usual.max_tokens),
        temperature=float(body.get("temperature", usual.temperature)),
        top_p=float(body.get("top_p", usual.top_p)),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )


def _usage(last: AnswerChunk) -> dict[str, int]:
    prompt, completion = last.prompt_tokens, last.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
