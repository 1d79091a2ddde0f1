"""Server-sent events from what a service reads: polled once a second, until the source ends or the client leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.platform import problems

POLL_S: Final = 1.0
ALIVE_S: Final = 15.0  # a comment at least this often, so that no proxy closes the connection
STREAMED: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/event-stream": {"schema": {}}}}}
Read = Callable[[], tuple[Sequence[dict[str, Any]], bool]]  # new events, and whether those were the last ones


def event_stream(read: Read, path: str, *, last: str = "", names: bool = False) -> StreamingResponse:
    """A response that sends what `read` returns until it says that nothing follows.

    Args:
        read: called in a thread.
        path: of the request, for the shape of an error.
        last: the data of a last event, "" for none.
        names: whether an event's `object` and `id` are its name and id in the stream too, as browsers read them.
    """

    async def events() -> AsyncIterator[str]:
        silent_s = 0.0
        while True:
            try:
                found, ended = await run_in_threadpool(read)
            except Exception as error:  # the status is already sent
                yield _event(problems.of_error(error).body(path), name="error" if names else "")
                return
            for item in found:
                yield _event(item, str(item["object"]), str(item["id"])) if names else _event(item)
            if ended:
                break
            silent_s = 0.0 if found else silent_s + POLL_S
            if silent_s >= ALIVE_S:
                yield ": alive\n\n"
                silent_s = 0.0
            await asyncio.sleep(POLL_S)
        if last:
            yield f"data: {last}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _event(item: dict[str, Any], name: str = "", event_id: str = "") -> str:
    head = (f"event: {name}\n" if name else "") + (f"id: {event_id}\n" if event_id else "")
    return f"{head}data: {json.dumps(item, ensure_ascii=False)}\n\n"
