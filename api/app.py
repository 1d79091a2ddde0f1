"""The application: its routes, and what becomes of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.platform import problems
from api.platform.entry import HEALTH, TOO_LARGE, ApiEntry, UploadTooLarge
from api.platform.problems import Problem
from api.platform.scopes import ScopeMissing
from api.routes import ROUTES
from api.serving.relay import Relay
from core.errors import StudioError
from core.services.platform.web.request_log import RequestLog
from core.settings import get_settings


def make_app(address: str | None = None) -> FastAPI:
    """The application.

    Args:
        address: what it listens on; None for SFT_HOST.
    """
    app = FastAPI(title="SFT Studio", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.add_middleware(ApiEntry, address=get_settings().host if address is None else address)
    app.add_middleware(RequestLog)
    for router in ROUTES:
        app.include_router(router)
    app.add_api_route(HEALTH, lambda: {"status": "ok"}, include_in_schema=False)
    _handle_errors(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.relay = Relay()
    try:
        yield
    finally:
        await app.state.relay.close()


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problems.of_body(error.errors()).response(request.url.path)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return problems.of_path(request.url.path, error.status_code, error.headers).response(request.url.path)

    @app.exception_handler(ScopeMissing)
    async def forbidden(request: Request, error: ScopeMissing) -> Response:
        text = f"The API key {error.key.prefix}… must not do this: it needs the scope {' or '.join(error.scopes)}."
        problem = Problem(403, "missing_scope", text, "Create a key with this scope on Settings.")
        return problem.response(request.url.path)

    @app.exception_handler(UploadTooLarge)
    async def too_large(request: Request, error: UploadTooLarge) -> Response:
        return TOO_LARGE.response(request.url.path)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return problems.of_error(error).response(request.url.path)

    app.add_exception_handler(StudioError, failed)  # without this, Starlette would raise it again after answering
