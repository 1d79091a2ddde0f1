"""One id per request: in every log line of the request, and in the answer's `X-Request-Id` header."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.platform import logs

log = logging.getLogger(__name__)

HEADER: Final = "X-Request-Id"
_ID: Final = re.compile(r"[\w.-]{1,64}")


class RequestLog:
    """ASGI middleware: binds the request's id, and logs its method, path, status and seconds when it ends.

    A caller's own `X-Request-Id` is used where it is a plain one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        status, began = 0, time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with logs.bound(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                if scope["path"] != "/health":  # asked every second by whoever waits for it
                    facts = {"method": scope["method"], "path": scope["path"], "status": status}
                    facts["seconds"] = round(time.monotonic() - began, 3)
                    log.info("{method} {path} {status} in {seconds} s".format(**facts), extra=facts)
        return None
