"""What the inference process answers is handed on; its absence, its end and the client's leaving are handled."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.serving import relay
from api.serving.relay import Relay, Relayed, Try
from tests.support.servers import free_port, wait_until

FIRST = b'data: {"choices": []}\n\n'


class Upstream(ThreadingHTTPServer):
    """Stands in for the inference process; `left` once its client has closed the connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict[str, object]] = []
        self.left = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        if not body.get("stream"):
            content = b'{"error": {"message": "Busy.", "remedy": "Wait."}}'
            self.send_response(429)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", "7")
            self.send_header("X-Internal", "1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(FIRST), FIRST))
            self.wfile.flush()
            while body["model"] == "slow":
                self.wfile.write(b"1\r\n:\r\n")
        except OSError:
            self.server.left.set()
        self.close_connection = True  # and not a word about the end: as if it was killed

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def upstream(monkeypatch) -> Iterator[Upstream]:
    server = Upstream()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(server.server_address[1]))
    yield server
    server.shutdown()
    server.server_close()


def test_body_status_and_retry_after_are_handed_on(client, upstream: Upstream) -> None:
    answer = client.post("/v1/chat/completions", json={"model": "a", "messages": []})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json() == {"error": {"message": "Busy. Wait.", "remedy": "Wait."}}
    assert "x-internal" not in answer.headers
    assert upstream.bodies == [{"model": "a", "messages": []}]


def test_a_process_that_ends_in_a_stream_becomes_an_error_event(client, upstream: Upstream) -> None:
    answer = client.post("/v1/completions", json={"model": "a", "stream": True})
    assert answer.status_code == 200
    first, error, done = answer.text.strip().split("\n\n")
    assert first == FIRST.decode().strip()
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "interrupted"
    assert done == "data: [DONE]"


def test_an_absent_process_is_an_error_after_a_moment(client, monkeypatch) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(free_port()))
    monkeypatch.setattr(relay, "STARTING_S", 0.3)
    answer = client.post("/v1/chat/completions", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "inference_unavailable")
    assert answer.headers["retry-after"]


def test_a_client_that_leaves_ends_the_generation(upstream: Upstream) -> None:
    sent: list[dict[str, object]] = []

    async def leave() -> None:
        started = asyncio.Event()

        async def receive() -> dict[str, object]:
            await started.wait()
            return {"type": "http.disconnect"}

        async def send(message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body":
                started.set()

        of = Relay()
        body = json.dumps({"model": "slow", "stream": True}).encode()
        await Relayed(of, "/v1/completions", [Try(body)], {"content-type": "application/json"})({}, receive, send)
        await of.close()

    asyncio.run(asyncio.wait_for(leave(), 30))
    assert sent[0]["type"] == "http.response.start"
    wait_until(upstream.left.is_set, 30, "the end of the connection")
