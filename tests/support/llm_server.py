"""A real HTTP server that speaks OpenAI's and Ollama's protocols, and misbehaves as it is told.

A test gives it a function `behave(request) -> Reply`; without one it answers properly, following the schema it is sent.
Every request is kept, so that a test can say how often which row was asked.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """What came in. `row` is the row inside the data of a prompt, `number` counts the chat requests from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    number: int = 0

    @property
    def schema(self) -> dict[str, Any] | None:
        wanted = self.body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return wanted["json_schema"]["schema"]
        form = self.body.get("format")
        return form if isinstance(form, dict) else None

    @property
    def data(self) -> dict[str, Any]:
        lines = self.body["messages"][-1]["content"].splitlines()
        return next((json.loads(line) for line in lines if line.startswith("{")), {})

    @property
    def row(self) -> dict[str, str]:
        return self.data.get("row", {})


@dataclass
class Reply:
    """What goes out. `text` becomes the model's answer; `raw` is sent as it is instead."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    wait_s: float = 0.0
    finish_reason: str = "stop"
    usage: tuple[int, int] | None = (100, 20)
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()  # of tools: names and arguments
    cut_at: int | None = None  # the line breaks after so many bytes, although more were announced


def filled(schema: dict[str, Any], says: str) -> Any:
    """The smallest value of a schema whose texts say something."""
    if schema["type"] == "object":
        return {name: filled(part, f"{says} {name}") for name, part in schema["properties"].items()}
    if schema["type"] == "array":
        return [filled(schema["items"], f"{says} {number}") for number in range(1, schema["minItems"] + 1)]
    return says


def proper(request: Request) -> Reply:
    """What a model that does as it is told would answer."""
    about = " ".join(request.row.values()) or "something"
    return Reply(json.dumps(filled(request.schema, about)) if request.schema else "hello")


class Paced:
    """Answers as many requests as are allowed; later ones wait until more are, however slow the machine is."""

    def __init__(self, behave: Callable[[Request], Reply], limit_s: float) -> None:
        self._behave, self._limit_s = behave, limit_s
        self._allowed: float = 0
        self._more = threading.Condition()

    def allow(self, up_to: float = math.inf) -> None:
        """Answer the requests with numbers up to this one; all of them without a number."""
        with self._more:
            self._allowed = up_to
            self._more.notify_all()

    def __call__(self, request: Request) -> Reply:
        with self._more:
            self._more.wait_for(lambda: request.number <= self._allowed, self._limit_s)
        return self._behave(request)


class LlmServer:
    """The server while it runs; `url` is the base of OpenAI's protocol, `ollama_url` of Ollama's."""

    def __init__(self, behave: Callable[[Request], Reply]) -> None:
        self.behave = behave
        self.requests: list[Request] = []
        self.models = ["tiny-1", "tiny-2"]
        self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self, "GET", {})

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                if len(raw) < length:
                    return  # the client was killed while it sent: nothing was asked
                server.answer(self, "POST", json.loads(raw or b"{}"))

            def log_message(self, *_: object) -> None:
                return

        class Http(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                return  # a client that was killed: that is what these tests do

        self._http = Http(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.ollama_url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def chats(self) -> list[Request]:
        return [request for request in self.requests if request.path.endswith(("/chat/completions", "/api/chat"))]

    def answer(self, handler: BaseHTTPRequestHandler, method: str, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(method, handler.path, headers, body)
        with self._lock:
            self.requests.append(request)
            request.number = len(self.chats)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            reply = self.behave(request) if method == "POST" or self.behave is not proper else None
            if reply is None or (method == "GET" and reply.raw is None and reply.status == 200):
                reply = Reply(raw=self._listing(handler.path))
            if reply.wait_s:
                time.sleep(reply.wait_s)
            self._send(handler, reply, request)
        finally:
            with self._lock:
                self._now -= 1

    def _listing(self, path: str) -> bytes:
        if path.endswith("/api/tags"):
            return json.dumps({"models": [{"model": name, "name": name} for name in self.models]}).encode()
        return json.dumps(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
        ).encode()

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply, request: Request) -> None:
        content = reply.raw if reply.raw is not None else self._wrapped(reply, request)
        if reply.raw is None and request.body.get("stream") and request.path.endswith("/chat/completions"):
            content, reply = _streamed(json.loads(content)), replace(reply, content_type="text/event-stream")
        try:
            handler.send_response(reply.status)
            handler.send_header("Content-Type", reply.content_type)
            handler.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            if reply.cut_at is not None:
                handler.wfile.write(content[: reply.cut_at])
                handler.wfile.flush()
                handler.close_connection = True
                handler.connection.shutdown(socket.SHUT_RDWR)
                return
            handler.wfile.write(content)
        except OSError:  # the client left
            return

    def _wrapped(self, reply: Reply, request: Request) -> bytes:
        if request.path.endswith("/api/chat"):
            made: dict[str, Any] = {
                "model": request.body.get("model"),
                "created_at": "2026-01-01T00:00:00Z",
                "message": {"role": "assistant", "content": reply.text, **_calls(reply, as_text=False)},
                "done": True,
                "done_reason": reply.finish_reason,
            }
            if reply.usage:
                made |= {"prompt_eval_count": reply.usage[0], "eval_count": reply.usage[1]}
            return json.dumps(made).encode()
        message = {"role": "assistant", "content": reply.text, **_calls(reply, as_text=True)}
        made = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": request.body.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        }
        if reply.usage:
            prompt, completion = reply.usage
            made["usage"] = {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            }
        return json.dumps(made).encode()


def _calls(reply: Reply, *, as_text: bool) -> dict[str, Any]:
    """OpenAI sends the arguments as text, Ollama as an object."""
    if not reply.calls:
        return {}
    functions = [{"name": name, "arguments": json.dumps(given) if as_text else given} for name, given in reply.calls]
    return {"tool_calls": [{"id": "call_1", "type": "function", "function": one} for one in functions]}


def _streamed(whole: dict[str, Any]) -> bytes:
    """A complete answer as server-sent events, word by word."""
    (choice,) = whole["choices"]
    words = choice["message"]["content"].split(" ")
    deltas = [{"content": word + " " * (number + 1 < len(words))} for number, word in enumerate(words)]
    reasons = [None] * (len(deltas) - 1) + [choice["finish_reason"]]
    events = [
        {**whole, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": None}
        for delta, reason in zip(deltas, reasons, strict=True)
    ]
    events.append({**whole, "choices": [], "usage": whole.get("usage")})
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"


@contextmanager
def llm_server(behave: Callable[[Request], Reply] = proper):
    """A running server; closed at the end."""
    server = LlmServer(behave)
    try:
        yield server
    finally:
        server.close()
