"""Requests that the inference process answers, passed through as they are.

Where the client leaves, the connection to the inference process is closed, which stops the generation. Where that
process ends in the middle, the client gets an error, not an endless wait.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.platform.idempotency import HEADER as KEY_HEADER, key_of
from api.platform.problems import Problem, of_error
from api.serving.observed import Observed
from core.errors import StudioError
from core.services.platform.web.request_log import HEADER
from core.settings import get_settings

log = logging.getLogger("sft.api")

STARTING_S: Final = 15.0  # how long to wait for an inference process that starts
HEADER_OF_KEY: Final = KEY_HEADER.lower()
_PAUSE_S: Final = 0.25
SILENT_S: Final = 600.0  # between two pieces of an answer; the first one waits for its turn and for the weights
_PASSED: Final = ("content-type", "retry-after", "cache-control", "idempotent-replayed")
ABSENT: Final = Problem(
    503, "inference_unavailable", "The inference process does not respond.", "It is restarted by `sft up`; try again."
)
INTERRUPTED: Final = Problem(
    502, "interrupted", "The inference process ended before the answer was complete.", "Send the request again."
)


class Answer(Protocol):
    """What is read of a response."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    async def aread(self) -> bytes: ...
    def aiter_raw(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Try:
    """A request that is sent in place of the client's.

    Args:
        headers: added to the response.
        source: opens an answer that does not come from the inference process.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    observed: Observed | None = None
    source: Callable[[], AbstractAsyncContextManager[Answer]] | None = None


class Relay:
    """Connections to the inference process."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=32)
        timeout = httpx.Timeout(SILENT_S, connect=5.0)
        # trust_env off: a proxy must not be used for the loopback address
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def answer(self, request: Request, tries: Sequence[Try] = ()) -> Relayed:
        """The response to a request whose body was read already; `tries` are other requests in its place."""
        own = (Try(await request.body()),)
        headers = {name: value for name, value in request.headers.items() if name != HEADER_OF_KEY}
        if (key := key_of(request)) is not None:
            headers[HEADER_OF_KEY] = key
        return Relayed(self, request.url.path, tries or own, headers)

    @asynccontextmanager
    async def opened(self, path: str, body: bytes, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """The answer to a request, of which the headers have arrived. Raises httpx.HTTPError."""
        passed = {name: headers[name] for name in ("content-type", HEADER.lower(), HEADER_OF_KEY) if name in headers}
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

    def __init__(self, relay: Relay, path: str, tries: Sequence[Try], headers: dict[str, str]) -> None:
        super().__init__()
        self._relay, self._path, self._tries, self._given = relay, path, tries, headers
        self._started = self._streams = False
        self._complete: Observed | None = None  # the answer that was handed on to its end

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
        await _record(self._complete)

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        *earlier, last = self._tries
        for one in earlier:
            try:
                async with self._opened(one) as answer:
                    if answer.status_code < 500 and answer.status_code != 404:
                        await self._pass(one, answer, send)
                        return
                    log.warning("a model could not answer (%d); the fallback is asked", answer.status_code)
            except (httpx.HTTPError, StudioError) as error:
                if self._started:
                    await self._break_off(error, send)
                    return
                log.warning("a model could not answer (%s); the fallback is asked", type(error).__name__)
        await self._last(last, scope, receive, send)

    def _opened(self, one: Try) -> AbstractAsyncContextManager[Answer]:
        if one.source:
            return one.source()
        given = self._given
        if HEADER_OF_KEY in given and one is not self._tries[0]:  # the fallback is another request
            given = given | {HEADER_OF_KEY: f"{given[HEADER_OF_KEY]}-{self._tries.index(one)}"}
        return self._relay.opened(self._path, one.body, given)

    async def _last(self, one: Try, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._opened(one) as answer:
                await self._pass(one, answer, send)
        except httpx.ConnectError:
            await ABSENT.response(self._path)(scope, receive, send)
        except StudioError as error:
            if not self._started:
                await of_error(error).response(self._path)(scope, receive, send)
                return
            await self._break_off(error, send)
        except httpx.HTTPError as error:
            if not self._started:
                log.warning("the inference process ended an answer: %s", type(error).__name__)
                await INTERRUPTED.response(self._path)(scope, receive, send)
                return
            await self._break_off(error, send)

    async def _break_off(self, error: Exception, send: Send) -> None:
        """End a stream in the middle with an error, so that the client does not take it for complete."""
        log.warning("an answer ended in the middle: %s", type(error).__name__)
        text = f"data: {json.dumps(INTERRUPTED.body(self._path))}\n\ndata: [DONE]\n\n" if self._streams else ""
        await send({"type": "http.response.body", "body": text.encode(), "more_body": False})

    async def _pass(self, one: Try, answer: Answer, send: Send) -> None:
        watch = one.observed if answer.status_code < 400 else None
        is_new = "idempotent-replayed" not in answer.headers  # else it was recorded already
        self._streams = answer.headers.get("content-type", "").startswith("text/event-stream")
        headers = [(name.encode(), answer.headers[name].encode()) for name in _PASSED if name in answer.headers]
        headers += [(name.encode(), value.encode()) for name, value in one.headers.items()]
        if not self._streams:  # an answer in one piece is complete before any of it is handed on
            content = await answer.aread()
            content = content if answer.status_code < 400 else _with_remedy(content)
            content = watch.whole(content) if watch else content
            headers.append((b"content-length", str(len(content)).encode()))
            await self._start(answer.status_code, headers, send)
            self._complete = watch if is_new else None
            await send({"type": "http.response.body", "body": content, "more_body": False})
            return
        await self._start(answer.status_code, headers, send)
        async for data in answer.aiter_raw():
            piece = watch.piece(data) if watch else data
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        self._complete = watch if is_new else None
        await send({"type": "http.response.body", "body": watch.rest() if watch else b"", "more_body": False})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]], send: Send) -> None:
        self._started = True
        await send({"type": "http.response.start", "status": status, "headers": headers})


async def _record(watch: Observed | None) -> None:
    """Record an answer that the client already has; a failure is logged, and the client does not notice it."""
    if watch is None or watch.record is None:
        return
    try:
        await run_in_threadpool(watch.record, watch.answer)
    except Exception:
        log.exception("a conversation could not be recorded")


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
