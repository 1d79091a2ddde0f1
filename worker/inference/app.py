"""The HTTP interface of the engine, in OpenAI's shapes: models and chat completions, complete or streamed."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from core.errors import StudioError
from worker.inference import problems
from worker.inference.completions import Disconnected, OpenAnswers, complete, stream
from worker.inference.engine import InferenceEngine
from worker.inference.gate import Gate
from worker.inference.request_log import RequestLog


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
        return {"status": "ok", "loaded": engine.loaded, "open": engine.open}

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
        answers = await OpenAnswers.opened(engine, body)
        try:
            # the first chunk is awaited here, so that an earlier error becomes a status and not a broken stream
            first = await answers.next(request)
            if body.stream:
                return StreamingResponse(stream(answers, first, body, request), media_type="text/event-stream")
            return await complete(answers, first, body, request)
        except BaseException:
            answers.cancel()
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


def _model(model_id: str, title: str, base_id: str, created_at: float) -> dict[str, Any]:
    facts = {"id": model_id, "object": "model", "created": int(created_at), "owned_by": "sft-studio"}
    return {**facts, "title": title, "base_model": base_id}
