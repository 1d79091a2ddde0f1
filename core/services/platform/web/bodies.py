"""Bodies of requests of bounded size, alone and together."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from core.text import too_large

MAX_BODY_BYTES: Final = 8_000_000
BODY_S: Final = 60.0  # for a complete body, however slowly it arrives
# A body that is too large is read up to here and dropped: its sender, who is still sending, then gets the answer.
MAX_DISCARDED_BYTES: Final = 10 * MAX_BODY_BYTES
MAX_HELD_BYTES: Final = 32 * MAX_BODY_BYTES  # of all bodies together, until they are answered
SHORT_BYTES: Final = 65_536  # up to here a body is read whatever the others are
_BYTES: Final = "bytes"

Refusal = tuple[int, str, str, str]  # status, code, message and remedy


def declared_length(headers: Headers) -> int:
    """The length that a request declares for its body; 0 where it declares none."""
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdecimal() and len(declared) < 16 else 0


class HeldBody:
    """A body that is read once, up to its limit, and handed on."""

    def __init__(self, receive: Receive, headers: Headers, held: Counter[str]) -> None:
        """`held` counts the bytes of all bodies of this server."""
        self._receive, self.size, self._held = receive, declared_length(headers), held
        self._messages: deque[Message] = deque()
        self._kept = 0  # bytes of it that `held` counts
        self.refused = False  # because of the other bodies in memory
        self.complete = False  # whether all of it arrived; else its sender left

    async def problem(self) -> Refusal | None:
        """Read it; what is wrong with it, or None."""
        try:
            async with asyncio.timeout(BODY_S):
                self.complete = await self.read()
        except TimeoutError:
            return 408, "too_slow", f"The body did not arrive within {BODY_S:.0f} s.", "Send it again."
        if self.refused:
            return 429, "busy", "Too many long bodies are arriving at this moment.", "Try again in a moment."
        if self.size > MAX_BODY_BYTES:
            text = too_large("The body", MAX_BODY_BYTES, self.size)
            return 413, "body_too_large", text, "Send less at once."
        return None

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
