"""Requests for an agent whose model is behind a connection: values that make no sense, and servers that answer so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from fastapi.testclient import TestClient

from core.services.platform import connections
from core.services.serving import agents

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


def events(*parts: bytes) -> bytes:
    return b"".join(b"data: " + part + b"\n\n" for part in parts) + b"data: [DONE]\n\n"


WORDS = b'{"choices": [{"delta": {"content": "Hi."}, "finish_reason": "stop"}], "usage": {"prompt_tokens": "many"}}'


class Elsewhere(ThreadingHTTPServer):
    daemon_threads = True
    answer = events(WORDS)


class Handler(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def elsewhere(studio_env: Path) -> Iterator[Elsewhere]:
    server = Elsewhere(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    there = connections.save(name="Acme", kind="openai", base_url=url, key="k")
    agents.create(name="Support", model=f"via:{there.id}:small")
    yield server
    server.shutdown()
    server.server_close()


def test_an_answer_arrives_whatever_its_counts_are(elsewhere: Elsewhere, client: TestClient) -> None:
    found = client.post(CHAT, json={"model": "agent:support", "messages": HELLO, "temperature": None}).json()
    assert found["choices"][0]["message"]["content"] == "Hi."
    assert found["usage"]["total_tokens"] == 0


@pytest.mark.parametrize(
    "more",
    [
        '"messages": "x"', '"messages": [1]', '"messages": []', '"messages": null', '"temperature": "x"',
        '"temperature": NaN', '"seed": 1e309', '"max_tokens": -5', '"max_tokens": 1e309', '"stop": 5', '"top_p": 7',
        '"stream": true, "stream_options": 5', r'"messages": [{"role": "user", "content": "a\ud800"}]',
        pytest.param('"messages": ' + "[" * 20_000 + "]" * 20_000, id="deep"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_possible_is_named(elsewhere: Elsewhere, client: TestClient, more: str) -> None:
    body = f'{{"model": "agent:support", "messages": {json.dumps(HELLO)}, {more}}}'
    response = client.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400, response.text
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"", id="nothing"),
        pytest.param(events(b"[1]", b"5"), id="other events"),
        pytest.param(events(b"{"), id="half an event"),
        pytest.param(events(b"[" * 100_000), id="deep"),
        pytest.param(b'data: {"choices": [{"delta": {"content": "' + b"x" * 9_000_000, id="no end"),
        pytest.param(events(b'{"error": {"message": "overloaded"}}'), id="an error"),
    ],
)
def test_a_server_that_does_not_answer_as_openai_is_named(
    elsewhere: Elsewhere, client: TestClient, answer: bytes, stream: bool
) -> None:
    elsewhere.answer = answer
    response = client.post(CHAT, json={"model": "agent:support", "messages": HELLO, "stream": stream})
    assert response.status_code in (502, 503), response.text
    assert "Acme" in response.json()["error"]["message"]


@pytest.mark.parametrize("part", [b'{"choices": [5]}', b'{"choices": [{"delta": 5}]}', b'{"choices": [], "usage": 5}'])
def test_an_event_that_makes_no_sense_is_left_out(elsewhere: Elsewhere, client: TestClient, part: bytes) -> None:
    elsewhere.answer = events(part, WORDS)
    found = client.post(CHAT, json={"model": "agent:support", "messages": HELLO}).json()
    assert found["choices"][0]["message"]["content"] == "Hi."


def test_a_character_in_two_halves_arrives_whole_and_half_a_one_is_replaced(
    elsewhere: Elsewhere, client: TestClient
) -> None:
    parts = (rb"\ud83d", rb"\ude00 a\u0000", rb"\udc00b\ud800")
    elsewhere.answer = events(*(b'{"choices": [{"delta": {"content": "' + part + b'"}}]}' for part in parts))
    found = client.post(CHAT, json={"model": "agent:support", "messages": HELLO}).json()
    assert found["choices"][0]["message"]["content"] == "😀 a\ufffd\ufffdb\ufffd"
