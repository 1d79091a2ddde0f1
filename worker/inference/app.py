"""The HTTP interface of the engine, in OpenAI's shapes: models and chat completions, complete or streamed."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from core.errors import StudioError
from core.serving.targets.base import AnswerChunk
from worker.inference import problems
from worker.inference.engine import GenerationRequest, InferenceEngine
from worker.inference.gate import Gate
from worker.inference.request_log import RequestLog
from worker.inference.schema import ChatRequest

if TYPE_CHECKING:
    from worker.inference.prompts import Question

_POLL_S = 0.5  # how often a waiting request checks that its client is still connected


class Disconnected(Exception):
    """The client disconnected."""


class Chunks:
    """The chunks of one answer, handed from the engine's thread to the event loop."""

    def __init__(self, engine: InferenceEngine, question: Question, body: ChatRequest) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[AnswerChunk | Exception] = asyncio.Queue()
        self._cancelled = threading.Event()
        options, schema = body.options(), body.answer_schema()
        engine.submit(GenerationRequest(question, options, self._emit, self._cancelled, schema))

    @classmethod
    async def opened(cls, engine: InferenceEngine, body: ChatRequest) -> Chunks:
        """The chunks of the answer to a body. Raises Busy, and as `prompts.prepare`."""
        from worker.inference.prompts import prepare  # imported here as in the routes below

        engine.reserve()
        try:
            return cls(engine, await run_in_threadpool(prepare, body.model, body.conversation()), body)
        except BaseException:
            engine.release()
            raise

    def _emit(self, item: AnswerChunk | Exception) -> None:
        if not self._cancelled.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def next(self, request: Request) -> AnswerChunk:
        """The next chunk. Raises what the engine raised, or Disconnected if the client has gone."""
        while True:
            try:
                item = await asyncio.wait_for(self._queue.get(), _POLL_S)
            except TimeoutError:
                if await request.is_disconnected():
                    raise Disconnected from None
                continue
            if isinstance(item, Exception):
                raise item
            return item

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

    def completed(self, text: str, last: AnswerChunk) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": last.finish_reason}
        return {**self.base, "choices": [choice], "usage": _usage(last)}

    def delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event({**self.base, "choices": [choice]})

    def usage(self, last: AnswerChunk) -> str:
        return _event({**self.base, "choices": [], "usage": _usage(last)})


def make_app() -> FastAPI:
    """The application. It loads nothing: weights are loaded for the first request."""
    app = FastAPI(title="SFT Studio inference", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Gate)
    app.add_middleware(RequestLog)
    engine = InferenceEngine()

    @app.get("/health")
    def health(warm_up: bool = False) -> dict[str, Any]:
        if warm_up:
            engine.warm_up()
        return {"status": "ok", "loaded": engine.loaded}

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        from worker.inference import served_models  # imported here, because the services take half of the startup time

        return {"object": "list", "data": [_model(*entry) for entry in served_models.listed()]}

    @app.get("/v1/models/{model_id:path}")
    def model(model_id: str) -> dict[str, Any]:
        from worker.inference import served_models

        found = served_models.find(model_id)
        return _model(found.id, found.title, found.base.id, found.created_at)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        from worker.inference.prompts import parse

        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return problems.error(415, "content_type", "The body is not JSON.", "Send Content-Type: application/json.")
        body = await run_in_threadpool(parse, await request.body())
        chunks = await Chunks.opened(engine, body)
        try:
            # the first chunk is awaited here, so that an earlier error becomes a status and not a broken stream
            first = await chunks.next(request)
            if body.stream:
                return StreamingResponse(_stream(chunks, first, body, request), media_type="text/event-stream")
            return await _complete(chunks, first, body, request)
        except BaseException:
            chunks.cancel()
            raise

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problems.invalid(error.errors())

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return problems.refused(request.url.path, error.status_code)

    @app.exception_handler(Disconnected)
    async def gone(request: Request, error: Disconnected) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return problems.response(error)

    app.add_exception_handler(StudioError, failed)  # without this, Starlette would raise it again after answering
    return app


async def _complete(chunks: Chunks, chunk: AnswerChunk, body: ChatRequest, request: Request) -> JSONResponse:
    text = chunk.text
    while not chunk.finish_reason:
        chunk = await chunks.next(request)
        text += chunk.text
    return JSONResponse(Envelope(body.model, streamed=False).completed(text, chunk))


async def _stream(chunks: Chunks, chunk: AnswerChunk, body: ChatRequest, request: Request) -> AsyncIterator[str]:
    """Server-sent events; when the client disconnects, the generator is closed and the generation stops."""
    envelope = Envelope(body.model, streamed=True)
    try:
        yield envelope.delta({"role": "assistant", "content": ""})
        while True:
            if chunk.text:
                yield envelope.delta({"content": chunk.text})
            if chunk.finish_reason:
                break
            chunk = await chunks.next(request)
        yield envelope.delta({}, chunk.finish_reason)
        if body.stream_options and body.stream_options.include_usage:
            yield envelope.usage(chunk)
        yield "data: [DONE]\n\n"
    except Disconnected:
        return
    except Exception as error:  # the status is already sent: the error becomes an event
        yield _event(problems.body_of(error))
        yield "data: [DONE]\n\n"
    finally:
        chunks.cancel()


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _usage(last: AnswerChunk) -> dict[str, int]:
    total = last.prompt_tokens + last.completion_tokens
    return {"prompt_tokens": last.prompt_tokens, "completion_tokens": last.completion_tokens, "total_tokens": total}


def _model(model_id: str, title: str, base_id: str, created_at: float) -> dict[str, Any]:
    facts = {"id": model_id, "object": "model", "created": int(created_at), "owned_by": "sft-studio"}
    return {**facts, "title": title, "base_model": base_id}
