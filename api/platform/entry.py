"""One ASGI middleware around the API: Host, Origin, key, rate limit and the size of the body, before a route is called.

What a key may do is checked by the route (`api.platform.scopes`).
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.platform import problems
from api.platform.problems import Problem
from api.platform.rate_limit import RateLimit
from core.services.platform import api_keys, budgets, sign_in
from core.services.platform.api_keys import ApiKeyRecord, KeyRefused
from core.services.platform.sign_in import SignIn
from core.services.platform.web.addresses import READING, host_problem, is_foreign, is_secure, names_of, split_host
from core.services.platform.web.bodies import HeldBody, declared_length
from core.settings import MAX_UPLOAD_BYTES
from core.text import too_large

log = logging.getLogger("sft.api")

HEALTH: Final = "/health"  # the supervisor, and a load balancer
UPLOADS: Final = ("/v1/files", "/api/v1/uploads")  # a body of these is streamed to the disk
UPLOAD_BYTES: Final = MAX_UPLOAD_BYTES + 1_000_000  # the file, and the other fields of its form
DESCRIPTION: Final = ("/api/docs", "/api/openapi.json")
CALLER: Final = "caller"  # in the state of a request: its key, or None where none is needed
FOREIGN: Final = "This request was made by a page of another address, and is refused."
NO_KEY: Final = "The API needs a key."
_CONFINED: Final = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}


TOO_LARGE: Final = Problem(
    413, "body_too_large", too_large("The file", MAX_UPLOAD_BYTES), "Split the file.", "file", {"Connection": "close"}
)


class UploadTooLarge(Exception):
    """An upload has more bytes than its limit."""


class ApiEntry:
    """Refuses what must not reach a route."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        """`address` is what the API listens on."""
        self.app, self.address = app, address
        self._rate = RateLimit()
        self._held: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008, "reason": ""})
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_confined(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_CONFINED)
            await send(message)

        request = Request(scope)
        if request.method in READING and scope["path"] == HEALTH and not self._foreign(request):
            return await self.app(scope, receive, send_confined)
        problem = await self._problem(request)
        if problem is not None:
            return await problem.response(scope["path"])(scope, receive, send_confined)
        if request.method not in READING and scope["path"] in UPLOADS:
            return await self._upload(scope, receive, send_confined)
        return await self._answer(scope, receive, send_confined)

    def _foreign(self, request: Request) -> Problem | None:
        state = sign_in.state()
        host = host_problem(request.headers, names_of(request, state, self.address))
        if host:
            log.warning("refused %s: %s", request.url.path[:200], host)
            return Problem(421, "host", host)
        if request.method not in READING and is_foreign(request.headers, is_secure(request, state)):
            log.warning("refused %s: Origin %s", request.url.path[:200], request.headers.get("origin", "")[:200])
            return Problem(403, "origin", FOREIGN, "Call the API from a program, or from a page of the same address.")
        return None

    async def _problem(self, request: Request) -> Problem | None:
        if foreign := self._foreign(request):
            return foreign
        try:
            caller = await run_in_threadpool(self._caller, request, sign_in.state())
        except Exception as error:  # a key that is refused, or a database that does not respond
            return problems.of_error(error)
        request.scope.setdefault("state", {})[CALLER] = caller
        wait_s = self._rate.wait_s(caller.id) if caller else 0.0
        if wait_s:
            text = f"The API key {caller.prefix if caller else ''}… has sent too many requests."
            remedy = f"Try again in {math.ceil(wait_s)} s. SFT_API_RATE sets the limit."
            return Problem(429, "rate_limit_exceeded", text, remedy, None, {"Retry-After": str(math.ceil(wait_s))})
        return None

    def _caller(self, request: Request, state: SignIn) -> ApiKeyRecord | None:
        """The key of a request; None where it needs none. Raises KeyRefused."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip() if kind.lower() == "bearer" else ""
        if key.startswith(api_keys.START):
            return api_keys.check(key)
        found = split_host(request.headers.get("host", ""))
        host = found[0] if found else ""
        if not api_keys.is_required(state, self.address, host):
            return None
        describes = request.method in READING and request.url.path.startswith(DESCRIPTION)
        if describes and not key and api_keys.is_here(state, self.address, host):
            return None  # a browser sends no key, and the description holds nothing of the studio
        if key:
            raise KeyRefused("The API key is not valid.", f"A key of this studio begins with {api_keys.START}.")
        raise KeyRefused(NO_KEY, "Create one on Settings, and send it as Authorization: Bearer KEY.", code="no_api_key")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        body = HeldBody(receive, headers, self._held)
        caller = scope["state"][CALLER]
        try:
            if wrong := await body.problem():
                await Problem(*wrong, headers={"Connection": "close"}).response(scope["path"])(scope, body.again, send)
            elif body.complete:  # else the client left
                with budgets.acting(caller.name if caller else "", headers.get(problems.OVERRIDE, ""), program=True):
                    await self.app(scope, body.again, send)
        finally:
            body.drop()

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a body on as it arrives, up to its limit."""
        arrived = 0

        async def receive_limited() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > UPLOAD_BYTES:
                raise UploadTooLarge
            return message

        if declared_length(Headers(scope=scope)) > UPLOAD_BYTES:
            return await TOO_LARGE.response(scope["path"])(scope, receive, send)
        return await self.app(scope, receive_limited, send)  # `api.app` answers UploadTooLarge
