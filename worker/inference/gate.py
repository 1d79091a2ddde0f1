"""Checked before every request: this machine's own names alone, no foreign pages, bodies of bounded size."""

from __future__ import annotations

from collections import Counter
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from core.services.platform.web.bodies import HeldBody
from worker.inference import problems

_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Gate:
    """ASGI middleware. A foreign Host (DNS rebinding), a foreign Origin and a body that is too large or too slow are
    refused before the application sees anything of them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._held: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if foreign := _foreign(headers):
            return await problems.error(*foreign)(scope, receive, send)
        body = HeldBody(receive, headers, self._held)
        try:
            if problem := await body.problem():
                await problems.error(*problem)(scope, body.again, send)
            elif body.complete:  # else the client left
                await self.app(scope, body.again, send)
        finally:
            body.drop()
        return None


def _foreign(headers: Headers) -> tuple[int, str, str, str] | None:
    """Status, code, message and remedy for a request of another machine's page; None for one of this machine."""
    host = _name_of(f"//{headers.get('host', '')}")
    if host not in _NAMES:
        return 400, "host", f"The host {host[:80]!r} is not served here.", "Use 127.0.0.1 or localhost."
    origin = headers.get("origin")
    if origin is not None and _name_of(origin) not in _NAMES:
        text = f"Pages of {origin[:80]!r} must not use this server."
        return 403, "origin", text, "Call it from a program on this machine, or from the studio."
    if headers.get("sec-fetch-site") == "cross-site":
        text = "A page of another site must not use this server."
        return 403, "origin", text, "Call it from a program on this machine, or from the studio."
    return None


def _name_of(url: str) -> str:
    """The host of a URL in lower case, without its port; "" if there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
