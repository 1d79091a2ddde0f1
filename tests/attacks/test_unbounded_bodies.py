"""Bodies without a bound: a giant one, one of unknown length, many uploads of one session or of many."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from core.settings import MAX_UPLOAD_BYTES
from pages.ui.front_door.bodies import ALL_BYTES, OTHER_BODY_BYTES, SESSION_BYTES, Bodies, BodyTooLarge
from tests.e2e.harness import Studio
from tests.support.web import ask, web_process

UPLOAD = "/_stcore/upload_file/session/file"
BLOCK = 1_000_000


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with web_process(tmp_path_factory.mktemp("web")) as studio:
        yield studio


def test_a_declared_length_is_refused_before_a_byte_is_read(web: Studio) -> None:
    for path, method, length in (("/", "GET", 10**12), ("/x", "POST", OTHER_BODY_BYTES + 1), (UPLOAD, "PUT", 10**12)):
        answer = ask(web.url, path, [("Content-Length", str(length)), ("Origin", web.url)], method=method)
        assert answer.status == 413, path
        assert "limit is" in answer.text or "moment" in answer.text


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/auth/login", "/downloads/x", UPLOAD])
def test_a_body_of_unknown_length_never_fills_the_memory(path: str, web: Studio) -> None:
    host, port = web.url.removeprefix("http://").split(":")
    process = psutil.Process(web.process.pid)
    before = process.memory_info().rss
    head = f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nTransfer-Encoding: chunked\r\n\r\n"
    block = f"{BLOCK:x}\r\n".encode() + b"x" * BLOCK + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as connection, contextlib.suppress(OSError):
        connection.sendall(head.encode())
        for _ in range(100):
            connection.sendall(block)
    assert process.memory_info().rss - before < 20 * BLOCK
    assert ask(web.url, "/_stcore/health").text == "ok"


async def take(bodies: Bodies, path: str, total: int, block: int = BLOCK) -> int:
    """Let a chunked body of `total` bytes arrive; returns how many bytes passed."""
    left = total

    async def receive() -> Message:
        nonlocal left
        await asyncio.sleep(0)  # the others have their turn
        part = min(block, left)
        left -= part
        return {"type": "http.request", "body": b"x" * part, "more_body": left > 0}

    limited, done = bodies.limited(path, receive)
    passed = 0
    try:
        while (message := await limited())["more_body"]:
            passed += len(message["body"])
        return passed + len(message["body"])
    except BodyTooLarge:
        return passed
    finally:
        done()


def test_uploads_of_one_session_are_bounded_together() -> None:
    held: Counter[str] = Counter()
    bodies = Bodies(lambda: held)
    assert asyncio.run(take(bodies, UPLOAD, MAX_UPLOAD_BYTES)) == MAX_UPLOAD_BYTES
    held["session"] = SESSION_BYTES - 10 * BLOCK
    assert asyncio.run(take(bodies, UPLOAD, 20 * BLOCK)) == 10 * BLOCK
    assert asyncio.run(take(bodies, UPLOAD.replace("session", "other"), 20 * BLOCK)) == 20 * BLOCK
    with pytest.raises(BodyTooLarge, match="Reload"):
        bodies.check_length(UPLOAD, Headers({"content-length": str(20 * BLOCK)}))


def test_uploads_that_arrive_at_the_same_time_count_together() -> None:
    bodies = Bodies(Counter)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, bodies._arriving.total())
            await asyncio.sleep(0)

    async def many() -> list[int]:
        watcher = asyncio.create_task(watch())
        paths = [f"/_stcore/upload_file/session/{n}" for n in range(8)]
        taken = await asyncio.gather(*(take(bodies, path, MAX_UPLOAD_BYTES, 10 * BLOCK) for path in paths))
        watcher.cancel()
        return taken

    taken = asyncio.run(many())
    assert MAX_UPLOAD_BYTES < most <= SESSION_BYTES
    assert any(count < MAX_UPLOAD_BYTES for count in taken)
    assert asyncio.run(take(bodies, UPLOAD, MAX_UPLOAD_BYTES)) == MAX_UPLOAD_BYTES, "ended uploads are not counted"


def test_all_sessions_together_are_bounded() -> None:
    held = Counter({f"s{n}": MAX_UPLOAD_BYTES for n in range(ALL_BYTES // MAX_UPLOAD_BYTES)})
    with pytest.raises(BodyTooLarge, match="moment"):
        Bodies(lambda: held).check_length(UPLOAD, Headers({"content-length": str(BLOCK)}))
