"""Errors as HTTP responses: problem+json (RFC 9457) under /api, OpenAI's shape under /v1.

An unexpected error shows only a short id, under which the log of the API has the rest.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse

from core.errors import (
    BudgetReached,
    Conflict,
    DatabaseUnavailable,
    DataError,
    InvalidTransition,
    NotFound,
    ProviderError,
    ProviderUnavailable,
    QueueUnavailable,
    SettingsError,
    StorageError,
    StudioError,
)
from core.services.platform.api_keys import KeyRefused

log = logging.getLogger("sft.api")

MAX_TEXT: Final = 2_000  # characters: a name in it may be as long as an address
OVERRIDE: Final = "Budget-Override-Reason"  # a header: why paid work may exceed a budget
OPENAI: Final = "/v1"  # under it, the shapes are OpenAI's

# The status and the code of each kind of error; the first that fits.
_KINDS: Final[Sequence[tuple[type[StudioError], int, str]]] = (
    (KeyRefused, 401, "invalid_api_key"),
    (NotFound, 404, "not_found"),
    (InvalidTransition, 409, "invalid_state"),
    (Conflict, 409, "conflict"),
    (BudgetReached, 402, "budget_reached"),
    (DataError, 400, "data"),
    (SettingsError, 400, "invalid"),
    (QueueUnavailable, 503, "queue_unavailable"),
    (DatabaseUnavailable, 503, "database_unavailable"),
    (ProviderUnavailable, 503, "unavailable"),
    (ProviderError, 502, "provider"),
    (StorageError, 500, "storage"),
    (StudioError, 400, "failed"),
)
_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
# The two shapes as JSON schemas, for the description of the API.
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "remedy", "field"],
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "code", "remedy"), _TEXT),
        "status": {"type": "integer"},
        "field": _TEXT_OR_NULL,
    },
}
OPENAI_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                **dict.fromkeys(("message", "type"), _TEXT),
                **dict.fromkeys(("param", "code", "remedy"), _TEXT_OR_NULL),
            },
        }
    },
}


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a request, before it gets the shape of a face.

    `field` is the argument, or the place in the body, that is wrong.
    """

    status: int
    code: str
    message: str
    remedy: str = ""
    field: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def body(self, path: str) -> dict[str, Any]:
        """The JSON object that describes it to the caller of this path."""
        message, remedy = _sendable(self.message), _sendable(self.remedy)
        name = None if self.field is None else _sendable(self.field)
        if path == OPENAI or path.startswith(f"{OPENAI}/"):
            kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
            message = f"{message} {remedy}".strip()  # clients show the message alone
            return {"error": {"message": message, "type": kind, "param": name, "code": self.code, "remedy": remedy}}
        title = HTTPStatus(self.status).phrase
        facts = {"type": "about:blank", "title": title, "status": self.status, "detail": message, "code": self.code}
        return {**facts, "remedy": remedy, "field": name}

    def response(self, path: str) -> JSONResponse:
        """The response to a request for this path."""
        kind = "application/json" if path.startswith(OPENAI) else "application/problem+json"
        headers = {"Cache-Control": "no-store", **self.headers}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.status in (429, 503):
            headers.setdefault("Retry-After", "1")
        return JSONResponse(self.body(path), self.status, headers, media_type=kind)


def of_error(error: Exception) -> Problem:
    """The problem that an error means."""
    for kind, status, code in _KINDS:
        if isinstance(error, kind):
            own = getattr(error, "code", code)
            if getattr(error, "cause", "") == "rate_limited":  # of a service that answers for a model here
                wait = math.ceil(getattr(error, "retry_after_s", None) or 1)
                return Problem(
                    429, "rate_limit_exceeded", error.message, error.remedy, None, {"Retry-After": str(wait)}
                )
            more = f" The header is {OVERRIDE}." if isinstance(error, BudgetReached) else ""
            return Problem(status, str(own), error.message, f"{error.remedy}{more}", error.field)
    error_id = secrets.token_hex(4)
    log.error("Unexpected error %s", error_id, exc_info=error)
    message = f"Something unexpected happened in the API (error {error_id})."
    return Problem(500, "internal", message, "Search for this id in logs/api.jsonl of the data directory.")


NO_OBJECT: Final = Problem(400, "invalid", "The body must be a JSON object.", "Send Content-Type: application/json.")


def of_body(errors: Sequence[Any]) -> Problem:
    """The problem with a body or query that does not fit its schema: names the first field."""
    first = errors[0] if errors else {}
    place = ".".join(str(part) for part in first.get("loc", ())[1:])
    if first.get("type") == "json_invalid":
        why = first.get("ctx", {}).get("error", "it ends too early")
        return Problem(400, "json", f"The body is not valid JSON: {why} (character {place}).", "Correct it.")
    if not place:
        return NO_OBJECT
    reason = str(first.get("msg", "not valid")).removeprefix("Value error, ").rstrip(".")
    return Problem(400, "invalid", f"{place}: {reason[:1].lower()}{reason[1:]}.", f"Correct {place}.", place)


def of_path(path: str, status: int, headers: Mapping[str, str] | None) -> Problem:
    """The problem with a path or a verb that does not exist."""
    words = {404: "{path} does not exist.", 405: "{path} does not take this method."}
    message = words.get(status, "The request for {path} could not be read.").format(path=path[:200])
    code = "not_found" if status == 404 else "method" if status == 405 else "invalid"
    return Problem(status, code, message, "docs/api.md lists what the API has.", None, headers or {})


def _sendable(text: str) -> str:
    """A text that can be encoded, and is not as long as a request may be: half a character is written as an escape."""
    cut = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
    return cut.encode("utf-8", "backslashreplace").decode()
