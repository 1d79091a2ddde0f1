"""Text completions in OpenAI's shapes: a model continues a prompt as it is, without a chat template."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from core.serving.targets.base import TokenLogprob
from worker.inference import completions
from worker.inference.completions import AnswerPiece, OpenAnswers, event
from worker.inference.engine import InferenceEngine
from worker.inference.schema import TextRequest


async def answer(engine: InferenceEngine, request: Request) -> Response:
    """The response to a request for a text completion. Raises Busy, and as `prompts.parse` and `prepare_text`."""
    from worker.inference.prompts import parse, prepare_text  # imported here: the services take half of the startup

    body = await run_in_threadpool(parse, await request.body(), TextRequest)
    prompts = body.prompts()

    def prepared() -> list[Any]:
        return [prepare_text(body.model, prompt, engine=body.engine) for prompt in prompts]

    answers = await OpenAnswers.opened(engine, body, prepared, body.answers * len(prompts), request.headers)
    return await completions.answer(answers, _TextShape(body), body, request)


class _TextShape:
    """The objects of one completion."""

    def __init__(self, body: TextRequest) -> None:
        self._logprobs = body.logprobs is not None
        self._lengths: dict[int, int] = {}  # characters of each answer so far
        self._base = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": body.model,
        }

    def completed(self, answers: Sequence[Sequence[AnswerPiece]], usage: dict[str, int]) -> dict[str, Any]:
        choices = [self._choice(number, pieces) for number, pieces in enumerate(answers)]
        return {**self._base, "choices": choices, "usage": usage}

    def opening(self, count: int) -> Iterator[str]:
        yield from ()

    def events(self, piece: AnswerPiece) -> Iterator[str]:
        if piece.chunk.text or piece.chunk.logprobs or piece.chunk.finish_reason:
            yield event({**self._base, "choices": [self._choice(piece.number, [piece])]})

    def usage(self, usage: dict[str, int]) -> str:
        return event({**self._base, "choices": [], "usage": usage})

    def _choice(self, number: int, pieces: Sequence[AnswerPiece]) -> dict[str, Any]:
        noted = [token for piece in pieces for token in piece.chunk.logprobs]
        return {
            "index": number,
            "text": "".join(piece.chunk.text for piece in pieces),
            "logprobs": self._noted(number, noted) if self._logprobs else None,
            "finish_reason": pieces[-1].chunk.finish_reason,
        }

    def _noted(self, number: int, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
        offsets, at = [], self._lengths.get(number, 0)
        for token in tokens:
            offsets.append(at)
            at += len(token.token)
        self._lengths[number] = at
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [dict(token.likeliest) for token in tokens],
            "text_offset": offsets,
        }
