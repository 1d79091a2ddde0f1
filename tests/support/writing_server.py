"""A small OpenAI-compatible server that writes: what it answers follows from the row alone, so a test can expect it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "writer-1"
KEY = "sk-test-0123456789abcdef"


@dataclass
class Writing:
    """A running server. `asked` counts the rows it was asked about; `refuse` makes it answer with what is no JSON for
    rows that hold this word; `let_go` holds every answer back until it is set."""

    url: str = ""
    asked: int = 0
    refuse: str = ""
    let_go: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def writing_server() -> Iterator[Writing]:
    """Serve on a free port of this machine until the block ends."""
    state = Writing()
    state.let_go.set()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                self._send(401, {"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}})
            else:
                self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "test"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.let_go.wait(60)
            text = _written(body, state)
            usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            self._send(
                200,
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": MODEL,
                    "choices": [choice],
                    "usage": usage,
                },
            )

        def _send(self, status: int, content: Any) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.let_go.set()
        server.shutdown()
        server.server_close()


def _written(body: dict[str, Any], state: Writing) -> str:
    """What the model says: a proposal, or a row's examples as the schema asks for them."""
    data = next(json.loads(line) for line in body["messages"][-1]["content"].splitlines() if line.startswith('{"'))
    if "columns" in data:
        first = data["columns"][0]["name"]
        patterns = [f"What is {{{{{first}}}}}?", f"Tell me about {{{{{first}}}}}."]
        return json.dumps({"system": "You are the shop's help desk.", "patterns": patterns})
    with state.lock:
        state.asked += 1
    cells = list(data["row"].values())
    if state.refuse and any(state.refuse in cell for cell in cells):
        return "I would rather not."
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    told = f"{cells[0]}: {', '.join(cells[1:])}. It weighs 777 grams."
    out: dict[str, Any] = {}
    if "answers" in wanted:
        out["answers"] = [told] * len(data["questions"])
    if "more" in wanted:
        out["more"] = [
            {"question": f"What do you know about {cells[0]}? ({number})", "answer": f"{number}. {told}"}
            for number in range(1, wanted["more"]["minItems"] + 1)
        ]
    return json.dumps(out)
