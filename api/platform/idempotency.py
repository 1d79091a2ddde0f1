"""`Idempotency-Key`: a request that is sent twice with the same key has one effect."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.platform.problems import Problem
from api.platform.scopes import caller_of
from core.errors import DataError
from core.services.platform import idempotency

HEADER: Final = "Idempotency-Key"
MOST: Final = 200  # characters of a key
REPLAYED: Final = {"Idempotent-Replayed": "true"}
NOT_STORED: Final = {"Cache-Control": "no-store"}  # the header of a response with a secret
SHOWN_ONCE: Final = Problem(
    409,
    "shown_once",
    "The request with this Idempotency-Key has succeeded; its response was shown once and is not stored.",
    "Revoke what it created, and send it with a new key.",
    HEADER,
)


def key_of(request: Request) -> str | None:
    """The key of a request, separate for each API key and path; None where it has none. Raises DataError."""
    given = request.headers.get(HEADER, "")
    if not given:
        return None
    if len(given) > MOST:
        text = f"The key has {len(given):,} characters; the limit is {MOST}."
        raise DataError(text, "Use a UUID.", code="idempotency_key", field=HEADER)
    caller = caller_of(request)
    text = "\n".join((caller.id if caller else "", request.url.path, given))
    return f"api:{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def _key(request: Request, _given: Annotated[str, Header(alias=HEADER)] = "") -> str | None:
    return key_of(request)


IdempotencyKey = Annotated[str | None, Depends(_key)]


async def once(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """The response to a request, or to the earlier one with the same key. Raises Conflict, DataError."""
    key = key_of(request)
    if key is None:
        return await answer(request)
    body = hashlib.sha256(await request.body()).hexdigest()
    stored = await run_in_threadpool(idempotency.begin, key, body)
    if stored is not None and stored.status == SHOWN_ONCE.status:
        return SHOWN_ONCE.response(request.url.path)
    if stored is not None:
        return Response(stored.body, stored.status, REPLAYED, media_type="application/json")
    try:
        response = await answer(request)
    except BaseException:
        await run_in_threadpool(idempotency.forget, key)
        raise
    if response.status_code < 300 and response.headers.get("cache-control") == NOT_STORED["Cache-Control"]:
        await run_in_threadpool(idempotency.finish, key, SHOWN_ONCE.status, "")
    elif response.status_code < 300 and isinstance(response.body, bytes):
        await run_in_threadpool(idempotency.finish, key, response.status_code, response.body.decode())
    else:
        await run_in_threadpool(idempotency.forget, key)
    return response
