"""Checked before every request: this machine's own names alone, no foreign pages, bodies of bounded size."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.text import too_large
from worker.inference import problems

MAX_BODY_BYTES: Final = 8_000_000
BODY_S: Final = 60.0  # for a complete body, however slowly it arrives
# A body that is too large is read up to here and dropped: its sender, who is still sending, then gets the answer.
MAX_DISCARDED_BYTES: Final = 10 * MAX_BODY_BYTES
MAX_HELD_BYTES: Final = 32 * MAX_BODY_BYTES  # of all bodies together, until they are answered
SHORT_BYTES: Final = 65_536  # up to here a body is read whatever the others are
_BYTES: Final = "bytes"
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
        declared = headers.get("content-length", "")
        body = _Body(receive, int(declared) if declared.isdecimal() and len(declared) < 16 else 0, self._held)
        try:
            await self._answer(body, scope, send)
        finally:
            body.drop()

    async def _answer(self, body: _Body, scope: Scope, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_S):
                complete = await body.read()
        except TimeoutError:
            late = problems.error(408, "too_slow", f"The body did not arrive within {BODY_S:.0f} s.", "Send it again.")
            return await late(scope, body.again, send)
        if body.refused:
            text = "Too many long bodies are arriving at this moment."
            return await problems.error(429, "busy", text, "Try again in a moment.")(scope, body.again, send)
        if body.size > MAX_BODY_BYTES:
            text = too_large("The body", MAX_BODY_BYTES, body.size)
            return await problems.error(413, "body_too_large", text, "Shorten the conversation.")(
                scope, body.again, send
            )
        if complete:
            await self.app(scope, body.again, send)
        return None  # the client left


class _Body:
    """A body that is read once, up to its limit, and handed on."""

    def __init__(self, receive: Receive, declared: int, held: Counter[str]) -> None:
        self._receive, self.size, self._held = receive, declared, held
        self._messages: deque[Message] = deque()
        self._kept = 0  # bytes of it that `held` counts
        self.refused = False  # because of the other bodies in memory

    async def read(self) -> bool:
        """Whether the body arrived completely; of one that is too large nothing is kept. Sets `size`."""
        arrived, more = 0, True
        while more and arrived <= MAX_DISCARDED_BYTES:
            message = await self._receive()
            if message["type"] != "http.request":
                return False
            arrived += len(message.get("body", b""))
            more = bool(message.get("more_body"))
            self.size = max(self.size, arrived)
            self.refused = self.refused or (arrived > SHORT_BYTES and self._held[_BYTES] > MAX_HELD_BYTES)
            if self.refused or self.size > MAX_BODY_BYTES:
                self.drop()
            else:
                self._messages.append(message)
                self._kept += len(message.get("body", b""))
                self._held[_BYTES] += len(message.get("body", b""))
        return not more

    def drop(self) -> None:
        """Keep nothing of it."""
        self._held[_BYTES] -= self._kept
        self._kept = 0
        self._messages.clear()

    async def again(self) -> Message:
        """The `receive` of the application: the messages that were read, then what follows (a disconnect)."""
        return self._messages.popleft() if self._messages else await self._receive()


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
