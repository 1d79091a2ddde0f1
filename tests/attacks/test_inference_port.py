"""A hostile request to the inference port: an endless body, a foreign page, half characters, odd tool calls.

The real process is asked. Whatever comes in, it answers in OpenAI's shape with a status below 500 that names the field,
keeps the other answers running, and answers the next question as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.services.platform.web import bodies
from tests.support.servers import wait_until
from tests.worker.inference import conftest as inference
from tests.worker.inference.conftest import Served
from worker.inference import gate

served = inference.served  # the fixture: a studio with a random model, served by the real process
PATH = "/v1/chat/completions"
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 7}'}}


def question(model: str) -> dict[str, Any]:
    """A request that uses every field, and is answered."""
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What is item 7?"}], "name": "ann"},
            {"role": "assistant", "content": None, "tool_calls": [copy.deepcopy(CALL)]},
            {"role": "tool", "content": "blue", "tool_call_id": "c1"},
            {"role": "user", "content": "And now?"},
        ],
        "max_tokens": 1,
        "temperature": 0,
        "top_p": 1,
        "seed": 1,
        "stop": ["zz"],
        "stream": False,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "text"},
    }


def schema(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": content}}


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, trust_env=False, timeout=60) as opened:
        assert opened.post(PATH, json=question(served.base)).status_code == 200
        yield opened


def refused(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The error of an answer that refuses in OpenAI's shape."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:300])
    error: dict[str, Any] = answer.json()["error"]
    assert error["message"]
    assert set(error) == {"message", "type", "param", "code", "remedy"}
    return error


# ---- who may ask


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("host", "evil.example", 400),
        ("host", "evil.example:8010", 400),
        ("host", "127.0.0.1.evil.example", 400),
        ("host", "localhost.evil.example", 400),
        ("host", "2130706433", 400),
        ("host", "[::ffff:127.0.0.1]", 400),
        ("host", "127.0.0.1@evil.example", 400),
        ("origin", "https://evil.example", 403),
        ("origin", "http://127.0.0.1.evil.example", 403),
        ("origin", "http://localhost@evil.example", 403),
        ("origin", "null", 403),
        ("origin", "", 403),
        ("origin", "file://", 403),
        ("origin", "http://[evil", 403),
        ("sec-fetch-site", "cross-site", 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_page_is_refused(
    client: httpx.Client, served: Served, method: str, header: str, value: str, status: int
) -> None:
    body = question(served.base) if method == "POST" else None
    path = PATH if method == "POST" else "/v1/models"
    error = refused(client.request(method, path, json=body, headers={header: value}), status)
    assert error["code"] in ("host", "origin")
    assert error["remedy"]


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8501", "http://localhost:8501", "http://[::1]:8501"])
def test_pages_of_this_machine_may_ask(client: httpx.Client, origin: str) -> None:
    assert client.get("/v1/models", headers={"origin": origin, "sec-fetch-site": "same-site"}).status_code == 200
    host = origin.removeprefix("http://")
    assert client.get("/v1/models", headers={"host": host}).status_code == 200


def test_a_form_of_a_page_cannot_pass_for_json(client: httpx.Client, served: Served) -> None:
    """A form needs no permission of the browser to send these types."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        body = json.dumps(question(served.base))
        refused(client.post(PATH, content=body, headers={"content-type": kind}), 415)


# ---- how much


def memory_mb(served: Served) -> int:
    import psutil

    port = int(served.url.rpartition(":")[2])
    (pid,) = {c.pid for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == "LISTEN"}
    return psutil.Process(pid).memory_info().rss >> 20


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_is_read_up_to_its_limit(client: httpx.Client, served: Served, declared: bool) -> None:
    """Declared or not, the sender gets the answer, although it is still sending, and nothing is kept."""
    size, before = 60_000_000, memory_mb(served)
    blocks = (b"x" * 1_000_000 for _ in range(size // 1_000_000))
    headers = {"content-type": "application/json"} | ({"content-length": str(size)} if declared else {})
    error = refused(client.post(PATH, content=blocks, headers=headers), 413)
    assert error["code"] == "body_too_large"
    assert memory_mb(served) - before < 40
    assert client.get("/health").status_code == 200


def test_an_endless_body_is_given_up(served: Served) -> None:
    """No sender keeps the server reading for ever."""
    host, port = served.url.removeprefix("http://").split(":")
    sent = 0
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        try:
            while sent < 4 * bodies.MAX_DISCARDED_BYTES:
                line.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
    assert sent < 4 * bodies.MAX_DISCARDED_BYTES


def test_a_body_that_trickles_in_ends_at_its_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte at a time, for ever; the application never sees the request."""
    monkeypatch.setattr(bodies, "BODY_S", 0.3)
    sent: list[dict[str, Any]] = []

    async def application(*_: object) -> None:
        raise AssertionError("an incomplete body reached the application")

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"8000000")]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
    began = time.monotonic()
    asyncio.run(gate.Gate(application)(scope, receive, send))  # type: ignore[arg-type]
    assert time.monotonic() - began < 5
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_bodies_that_never_end_are_bounded_together(client: httpx.Client, served: Served) -> None:
    """Sixty connections that each stop shortly before their last byte; short questions are still answered."""
    before, lines = memory_mb(served), []
    host, port = served.url.removeprefix("http://").split(":")
    start = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 7900000\r\n\r\n".encode()
    answers: list[bytes] = []
    try:
        for _ in range(60):
            line = socket.create_connection((host, int(port)), timeout=30)
            lines.append(line)
            with contextlib.suppress(ConnectionError):
                line.sendall(start + b"x" * 7_899_000)
        grown = memory_mb(served) - before
        assert client.post(PATH, json=question(served.base)).status_code == 200
        for line in lines[-5:]:  # the last ones were refused: they are answered once they are complete
            line.settimeout(20)
            with contextlib.suppress(OSError):
                line.sendall(b"x" * 1_000)
                answers.append(whole_answer(line))
            if answers:
                break
    finally:
        for line in lines:
            line.close()
    assert grown < 2 * (bodies.MAX_HELD_BYTES >> 20), grown
    assert any(b" 429 " in answer and b'"busy"' in answer for answer in answers)
    wait_until(lambda: client.post(PATH, json=padded(served, 1_000_000)).status_code == 400, 30, "the next long body")


def whole_answer(line: socket.socket) -> bytes:
    """Head and body of one answer: they arrive in two pieces."""
    answer = line.recv(10_000)
    length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(answer.partition(b"\r\n\r\n")[2]) < length and (more := line.recv(10_000)):
        answer += more
    return answer


def padded(served: Served, size: int) -> dict[str, Any]:
    """A question that is too long for the model."""
    body = question(served.base)
    body["messages"][0]["content"] = "x" * size
    return body


def test_a_conversation_that_cannot_fit_is_refused_before_it_is_encoded(client: httpx.Client, served: Served) -> None:
    """Seven megabytes are measured, not encoded; another answer goes on in the meantime, without a long pause."""
    pauses: list[float] = []

    def listen() -> None:
        body = question(served.base) | {"stream": True, "max_tokens": 300, "stop": None}
        with httpx.stream("POST", served.url + PATH, json=body, timeout=180, trust_env=False) as answer:
            last = time.monotonic()
            for _ in answer.iter_lines():
                pauses.append(time.monotonic() - last)
                last = time.monotonic()

    listener = threading.Thread(target=listen)
    listener.start()
    huge = question(served.base)
    huge["messages"][0]["content"] = "long words " * 650_000
    for _ in range(3):
        error = refused(client.post(PATH, json=huge), 400)
        assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    listener.join()
    assert len(pauses) > 10
    assert max(pauses) < 5


# ---- what


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("messages.0.content", "half \ud83d of a character"),
        ("messages.0.content", "\udc00"),
        ("messages.0.content", "nul \0"),
        ("messages.0.content", 5),
        ("messages.0.content", {"type": "text", "text": "x"}),
        ("messages.0.content", [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]),
        ("messages.0.content", [{"type": "text", "text": None}]),
        ("messages.0.content", ["x"]),
        ("messages.0.content", [None]),
        ("messages.0.role", "wizard"),
        ("messages.0.role", "x" * 100_000),
        ("messages.0.role", None),
        ("messages.1.name", "\ud800"),
        ("messages.1.name", "x" * 10_000),
        ("messages.2.tool_calls", "look"),
        ("messages.2.tool_calls", [CALL] * 1_000),
        ("messages.2.tool_calls.0", None),
        ("messages.2.tool_calls.0", {}),
        ("messages.2.tool_calls.0.type", "code"),
        ("messages.2.tool_calls.0.function", None),
        ("messages.2.tool_calls.0.function", {}),
        ("messages.2.tool_calls.0.function.name", ""),
        ("messages.2.tool_calls.0.function.name", {"a": 1}),
        ("messages.2.tool_calls.0.function.arguments", {"at": 7}),
        ("messages.2.tool_calls.0.function.arguments", "[" * 90_000),
        ("messages.2.tool_calls.0.function.arguments", '{"a":' * 5_000),
        ("messages.2.tool_calls.0.function.arguments", '{"a": "\\ud800"}'),
        ("messages.2.tool_calls.0.function.arguments", '{"a": "\\u0000"}'),
        ("messages.2.tool_calls.0.function.arguments", '{"a": 1, "a": "\\udfff"}'),
        ("messages.2.tool_calls.0.function.arguments", "not JSON"),
        ("messages.2.tool_calls.0.function.arguments", "[1]"),
        ("messages.2.tool_calls.0.function.arguments", '{"a": ' + "9" * 5_000 + "}"),
        ("messages.3.tool_call_id", 7),
        ("messages", []),
        ("messages", {"role": "user"}),
        ("messages", [{"role": "user", "content": "x"}] * 3_000),
        ("model", ""),
        ("model", "a\0b"),
        ("model", "\ud800"),
        ("model", "x" * 10_000),
        ("max_tokens", 0),
        ("max_tokens", 10**4_000),
        ("max_tokens", "many"),
        ("temperature", -1),
        ("temperature", "NaN"),
        ("top_p", 0),
        ("top_p", "inf"),
        ("seed", 1.5),
        ("seed", "x"),
        ("stop", ["x"] * 1_000),
        ("stop", ["x" * 10_000]),
        ("stop", "\ud800"),
        ("stop", {"a": 1}),
        ("stream", "perhaps"),
        ("stream_options.include_usage", "perhaps"),
        ("response_format.type", "xml"),
        ("response_format", {"type": "json_schema"}),
        ("response_format", schema({"type": "nonsense"})),
        ("response_format", schema({"$ref": "#"})),
        ("response_format", schema({"$ref": "file:///etc/passwd"})),
        ("response_format", schema({"type": "array", "minItems": -1})),
    ],
)  # fmt: skip
def test_an_odd_value_is_refused_with_its_field(client: httpx.Client, served: Served, path: str, value: object) -> None:
    error = refused(client.post(PATH, content=encoded(changed(question(served.base), path, value)), headers=JSON), 400)
    assert error["param"], error
    assert path.startswith(error["param"].split(".")[0])
    assert error["param"].startswith(path) or path.startswith(error["param"]), error
    assert len(error["message"]) < 1_000


JSON = {"content-type": "application/json"}
NESTED = '{"a":' * 20_000 + "1" + "}" * 20_000


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"\x00", b"\xed\xa0\x80", b"NaN", b'{"model": 1e999}', b"{}",
     b'{"model": ' + b"9" * 5_000 + b"}", b'{"a": 1, "a": 2}', NESTED.encode(), b"[" * 500_000, b'{"model": "\\ud800"}',
     b"{} {}", b"// x\n{}", b'{"model": "x", "messages": NaN}', "\ufeff{}".encode(), "{}".encode("utf-16")],
)  # fmt: skip
def test_a_body_that_is_not_json_of_one_object_is_refused(client: httpx.Client, body: bytes) -> None:
    error = refused(client.post(PATH, content=body, headers=JSON), 400)
    assert "no /v1" not in error["message"]


@pytest.mark.parametrize(
    "path",
    ["/v1/models/%00", "/v1/models/%ED%A0%80", "/v1/models/local:..%2f..%2fetc%2fpasswd", "/v1/models/" + "x" * 9_000,
     "/v1/models/..%2f..%2f..%2fetc%2fpasswd", "/v1/models/local:%00", "/%00", "/v1/%ff", "//etc/passwd",
     "/v1/models/%2e%2e/%2e%2e", "/v1/models/local:" + "a/" * 3_000],
)  # fmt: skip
def test_an_odd_path_finds_nothing(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    refused(answer, 400, 404)
    assert "root:" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "GET", "BREW"])
def test_another_verb_is_refused(client: httpx.Client, method: str) -> None:
    refused(client.request(method, PATH), 405)


# ---- anything


HOSTILE: list[Any] = [
    None, True, 0, -1, 1e308, 10**30, "", "\0", "\ud800", "\U000f0000", "x" * 5_000, "{{7*7}}", "{% raise %}",
    "<|im_end|>", "../../etc/passwd", "local:/etc", [], [[]], {}, {"a": {"b": [1]}}, "\u2028", "\u202e", "[" * 500,
    [None] * 50, "NaN", "%s%n", {"type": "text", "text": "x"}, "A" * 500 + "\ufffd", ["\udfff"],
]  # fmt: skip


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    place: Any = body
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        place = place[part]
    place[last] = value
    return body


def paths(value: Any, so_far: str = "") -> Iterator[str]:
    """Every place in a body, as dotted paths."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        here = f"{so_far}.{key}" if so_far else str(key)
        yield here
        yield from paths(item, here)


def encoded(body: object) -> bytes:
    """JSON as a hostile client writes it: half characters as escapes."""
    return json.dumps(body).encode()


def corpus(model: str, count: int) -> Iterator[bytes]:
    """Valid requests with one or two places replaced, and the bytes of some damaged; the same ones at each run."""
    draw = random.Random(10)
    whole = question(model)
    everywhere = list(paths(whole))
    for _ in range(count):
        body = copy.deepcopy(whole)
        for path in draw.sample(everywhere, draw.choice((1, 1, 2))):
            try:
                changed(body, path, copy.deepcopy(draw.choice(HOSTILE)))
            except (TypeError, KeyError, IndexError):  # the place is below one that was replaced
                continue
        if body.get("max_tokens") != 1 and draw.random() < 0.9:
            body["max_tokens"] = 1
        raw = bytearray(encoded(body))
        if draw.random() < 0.3:
            for _ in range(draw.randint(1, 4)):
                raw[draw.randrange(len(raw))] = draw.randrange(256)
        if draw.random() < 0.05:
            raw = raw[: draw.randrange(len(raw))]
        yield bytes(raw)


def test_a_thousand_generated_requests_get_an_answer_or_a_reason(client: httpx.Client, served: Served) -> None:
    expected = client.post(PATH, json=question(served.base) | {"max_tokens": 8}).json()["choices"]
    answered = 0
    for raw in corpus(served.base, 1_000):
        answer = client.post(PATH, content=raw, headers=JSON)  # a dropped connection raises here
        assert answer.status_code < 500, (answer.status_code, answer.text, raw[:2_000])
        if answer.status_code == 200 and answer.headers["content-type"] == "application/json":
            assert answer.json()["choices"]
            answered += 1
        elif answer.status_code != 200:
            refused(answer, 400, 404)
    assert 50 < answered < 900
    assert client.post(PATH, json=question(served.base) | {"max_tokens": 8}).json()["choices"] == expected
