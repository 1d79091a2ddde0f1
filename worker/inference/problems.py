"""Errors as OpenAI's clients expect them; an unexpected error shows only a short id."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any, Final

from fastapi.responses import JSONResponse

from core.errors import Conflict, DatabaseUnavailable, DataError, NotFound, StudioError
from worker.inference.requests import Busy

log = logging.getLogger(__name__)

_KINDS: Final = {
    400: "invalid_request_error",
    404: "invalid_request_error",
    409: "invalid_request_error",
    429: "rate_limit_error",
}
_CODES: Final = {404: "model_not_found", 409: "conflict", 429: "busy", 503: "database_unavailable"}
_PATHS: Final = "Available: /health, /v1/models, /v1/chat/completions and /v1/completions."


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    for kind, status in ((Busy, 429), (NotFound, 404), (Conflict, 409), (DataError, 400), (DatabaseUnavailable, 503)):
        if isinstance(error, kind):
            return status
    return 500


def body_of(error: Exception) -> dict[str, Any]:
    """`{"error": {message, type, param, code, remedy}}`; an unexpected error is logged under the id shown."""
    status = status_of(error)
    if isinstance(error, StudioError):
        code = error.code if isinstance(error, DataError) else _CODES.get(status)
        field = error.field if isinstance(error, DataError) else None
        return _body(error.message, status, code, field, error.remedy)
    error_id = secrets.token_hex(4)
    log.error("Unexpected error %s", error_id, exc_info=error)
    message = f"Something unexpected happened in the inference process (error {error_id})."
    return _body(message, status, "internal", None, "Search for this id in the log of the inference process.")


def response(error: Exception) -> JSONResponse:
    """The HTTP response to an error."""
    status = status_of(error)
    return JSONResponse(body_of(error), status, {"Retry-After": "1"} if status == 429 else None)


def error(status: int, code: str, message: str, remedy: str) -> JSONResponse:
    """The response to a request that is refused as a whole, perhaps with its body unread: the connection ends."""
    again = {"Retry-After": "1"} if status == 429 else {}
    return JSONResponse(_body(message, status, code, None, remedy), status, {"Connection": "close", **again})


def invalid(errors: Sequence[Any]) -> JSONResponse:
    """The response to an invalid body: names the first invalid field."""
    first = errors[0] if errors else {}
    place = ".".join(str(part) for part in first.get("loc", ())[1:])
    if not place:
        return JSONResponse(_body("The body must be a JSON object.", 400, "invalid", None, "Correct it."), 400)
    reason = str(first.get("msg", "not valid")).removeprefix("Value error, ").rstrip(".")
    message = f"{place}: {reason[:1].lower()}{reason[1:]}."
    return JSONResponse(_body(message, 400, "invalid", place, f"Correct {place}."), 400)


def refused(path: str, status: int) -> JSONResponse:
    """The response to a path or a verb that does not exist."""
    path = path[:200].encode("utf-8", "backslashreplace").decode()  # half a character cannot be sent back
    return JSONResponse(_body(f"{path} does not exist for this method.", status, "not_found", None, _PATHS), status)


def _body(message: str, status: int, code: str | None, param: str | None, remedy: str) -> dict[str, Any]:
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code, "remedy": remedy}}
