"""The HTTP interface of the engine, in OpenAI's shapes: models, chat and text completions, complete or streamed.

`/bulk` is the studio's own: the answers to many questions of an evaluation."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from core.errors import StudioError
from core.services.platform.web.request_log import RequestLog
from worker.inference import bulk, chats, problems, texts
from worker.inference.completions import Disconnected
from worker.inference.engine import InferenceEngine
from worker.inference.gate import Gate


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
        return {"status": "ok", **engine.figures()}

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        from core.services.serving import served  # imported here, because the services take half of the startup time

        found = [
            _model(each.id, each.title, each.base_id, each.created_at) for each in served.served_models() if each.here
        ]
        return {"object": "list", "data": found}

    @app.get("/v1/models/{model_id:path}")
    def model(model_id: str) -> dict[str, Any]:
        from worker.inference import served_models

        found = served_models.find(model_id)
        return _model(found.id, found.title, found.base.id, found.created_at)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        return _not_json(request) or await chats.answer(engine, request)

    @app.post("/v1/completions")
    async def text(request: Request) -> Response:
        return _not_json(request) or await texts.answer(engine, request)

    @app.post("/bulk")
    async def answers(request: Request) -> Response:
        return _not_json(request) or await bulk.answer(engine, request)

    @app.delete("/bulk")
    def end(prefix: str) -> dict[str, Any]:
        engine.keyed.end(prefix)
        engine.forget_bulk()
        return {"status": "ok"}

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


def _not_json(request: Request) -> Response | None:
    """The response to a body of another kind, such as a form that a foreign page may send without asking."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        return None
    return problems.error(415, "content_type", "The body is not JSON.", "Send Content-Type: application/json.")


def _model(model_id: str, title: str, base_id: str, created_at: float) -> dict[str, Any]:
    facts = {"id": model_id, "object": "model", "created": int(created_at), "owned_by": "sft-studio"}
    return {**facts, "title": title, "base_model": base_id}
