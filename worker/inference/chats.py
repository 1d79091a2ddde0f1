"""Chat completions in OpenAI's shapes: one or several answers to a conversation, complete or streamed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from core.serving.targets.base import AnswerChunk, TokenLogprob
from worker.inference import completions
from worker.inference.completions import AnswerPiece, OpenAnswers, event
from worker.inference.engine import InferenceEngine
from worker.inference.schema import ChatRequest


async def answer(engine: InferenceEngine, request: Request) -> Response:
    """The response to a request for a chat completion. Raises Busy, and as `prompts.parse` and `prompts.prepare`."""
    from worker.inference.prompts import parse, prepare  # imported here: the services take half of the startup time

    body = await run_in_threadpool(parse, await request.body(), ChatRequest)

    def prepared() -> list[Any]:
        return [prepare(body.model, body.conversation(), body.offered(), engine=body.engine)]

    answers = await OpenAnswers.opened(engine, body, prepared, body.answers, request.headers)
    return await completions.answer(answers, _ChatShape(body), body, request)


class _ChatShape:
    """The objects of one completion."""

    def __init__(self, body: ChatRequest) -> None:
        self._logprobs = bool(body.logprobs)
        self._base = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion.chunk" if body.stream else "chat.completion",
            "created": int(time.time()),
            "model": body.model,
        }

    def completed(self, answers: Sequence[Sequence[AnswerPiece]], usage: dict[str, int]) -> dict[str, Any]:
        choices = []
        for number, pieces in enumerate(answers):
            text, calls = "".join(piece.chunk.text for piece in pieces), list(pieces[-1].calls)
            message = {"role": "assistant", "content": None if calls and not text.strip() else text, "refusal": None}
            noted = [token for piece in pieces for token in piece.chunk.logprobs]
            choices.append(
                {
                    "index": number,
                    "message": message | ({"tool_calls": calls} if calls else {}),
                    "logprobs": _logprobs(noted) if self._logprobs else None,
                    "finish_reason": pieces[-1].chunk.finish_reason,
                }
            )
        return {**self._base, "choices": choices, "usage": usage}

    def opening(self, count: int) -> Iterator[str]:
        for number in range(count):
            yield self._delta(number, {"role": "assistant", "content": ""})

    def events(self, piece: AnswerPiece) -> Iterator[str]:
        number, chunk = piece.number, piece.chunk
        if chunk.text or chunk.logprobs:
            yield self._delta(number, {"content": chunk.text}, chunk)
        if piece.calls:
            yield self._delta(number, {"tool_calls": [{"index": at, **call} for at, call in enumerate(piece.calls)]})
        if chunk.finish_reason:
            yield self._delta(number, {}, AnswerChunk(finish_reason=chunk.finish_reason))

    def usage(self, usage: dict[str, int]) -> str:
        return event({**self._base, "choices": [], "usage": usage})

    def _delta(self, number: int, delta: dict[str, Any], chunk: AnswerChunk | None = None) -> str:
        """An event with a change to one answer; `chunk` has its log-probabilities and the reason of its end."""
        choice = {
            "index": number,
            "delta": delta,
            "logprobs": _logprobs(chunk.logprobs) if chunk is not None and chunk.logprobs else None,
            "finish_reason": chunk.finish_reason if chunk is not None and not delta else None,
        }
        return event({**self._base, "choices": [choice]})


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
