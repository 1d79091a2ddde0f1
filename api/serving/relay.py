"""Requests that the inference process answers, passed through as they are.

Where the client leaves, the connection to the inference process is closed, which stops the generation. Where that
process ends in the middle, the client gets an error, not an endless wait.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.platform.problems import Problem
from core.services.platform.web.request_log import HEADER
from core.settings import get_settings

log = logging.getLogger("sft.api")

STARTING_S: Final = 15.0  # how long to wait for an inference process that starts
_PAUSE_S: Final = 0.25
SILENT_S: Final = 600.0  # between two pieces of an answer; the first one waits for its turn and for the weights
_PASSED: Final = ("content-type", "retry-after", "cache-control")
ABSENT: Final = Problem(
    503, "inference_unavailable", "The inference process does not respond.", "It is restarted by `sft up`; try again."
)
INTERRUPTED: Final = Problem(
    502, "interrupted", "The inference process ended before the answer was complete.", "Send the request again."
)


class Relay:
    """Connections to the inference process."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=32)
        timeout = httpx.Timeout(SILENT_S, connect=5.0)
        # trust_env off: a proxy must not be used for the loopback address
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def answer(self, request: Request) -> Relayed:
        """The response to a request whose body was read already."""
        return Relayed(self, request.url.path, await request.body(), dict(request.headers))

    @asynccontextmanager
    async def opened(self, path: str, body: bytes, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """The answer to a request, of which the headers have arrived. Raises httpx.HTTPError."""
        passed = {name: headers[name] for name in ("content-type", HEADER.lower()) if name in headers}
        until = asyncio.get_running_loop().time() + STARTING_S
        while True:
            url = f"{get_settings().inference_url}{path}"
            request = self._client.build_request("POST", url, content=body, headers=passed)
            try:
                answer = await self._client.send(request, stream=True)
                break
            except httpx.ConnectError:
                if asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(_PAUSE_S)
        try:
            yield answer
        finally:
            await answer.aclose()


class Relayed(Response):
    """A response that hands on what the inference process answers."""

    def __init__(self, relay: Relay, path: str, body: bytes, headers: dict[str, str]) -> None:
        super().__init__()
        self._relay, self._path, self._asked, self._given = relay, path, body, headers
        self._started = self._streams = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.ensure_future(self._hand_on(scope, receive, send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not work.done():
                work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._relay.opened(self._path, self._asked, self._given) as answer:
                await self._pass(answer, send)
        except httpx.ConnectError:
            await ABSENT.response(self._path)(scope, receive, send)
        except httpx.HTTPError as error:
            log.warning("the inference process ended an answer: %s", type(error).__name__)
            if not self._started:
                await INTERRUPTED.response(self._path)(scope, receive, send)
                return
            text = f"data: {json.dumps(INTERRUPTED.body(self._path))}\n\ndata: [DONE]\n\n" if self._streams else ""
            await send({"type": "http.response.body", "body": text.encode(), "more_body": False})

    async def _pass(self, answer: httpx.Response, send: Send) -> None:
        self._streams = answer.headers.get("content-type", "").startswith("text/event-stream")
        headers = [(name.encode(), answer.headers[name].encode()) for name in _PASSED if name in answer.headers]
        if not self._streams:  # an answer in one piece is complete before any of it is handed on
            content = await answer.aread()
            content = content if answer.status_code < 400 else _with_remedy(content)
            headers.append((b"content-length", str(len(content)).encode()))
            await self._start(answer.status_code, headers, send)
            await send({"type": "http.response.body", "body": content, "more_body": False})
            return
        await self._start(answer.status_code, headers, send)
        async for piece in answer.aiter_raw():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]], send: Send) -> None:
        self._started = True
        await send({"type": "http.response.start", "status": status, "headers": headers})


def _with_remedy(content: bytes) -> bytes:
    """An error of the inference process whose message says what to do, because clients show the message alone."""
    try:
        body = json.loads(content)
        body["error"]["message"] = f"{body['error']['message']} {body['error'].get('remedy') or ''}".strip()
    except (ValueError, KeyError, TypeError):
        return content
    return json.dumps(body).encode()


async def _disconnected(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
