"""A strict server of Ollama's API: digests are checked, unknown fields refused, and what a version does not take.

Source: Ollama's API documentation of 0.33, and the release notes of 0.34.1.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CREATE = {"model", "from", "files", "adapters", "template", "renderer", "parser", "license", "system"}
CREATE |= {"parameters", "messages", "stream", "quantize"}
CHAT = {"model", "messages", "tools", "format", "options", "stream", "keep_alive", "think"}
PARAMETERS = {"num_ctx", "repeat_last_n", "repeat_penalty", "temperature", "seed", "stop", "num_predict", "top_k"}
CONVERTED = ("LlamaForCausalLM", "Qwen2ForCausalLM", "Gemma2ForCausalLM")


class Ollama:
    """What the server has. `says` is the answer of every model; `log` the method and path of each request."""

    def __init__(self, version: str) -> None:
        self.version, self.url = version, ""
        self.blobs: dict[str, bytes] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        self.says = "It is blue."
        self.last_chat: dict[str, Any] = {}

    @property
    def new(self) -> bool:
        return tuple(map(int, self.version.split("."))) >= (0, 34, 1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None:
        return None

    @property
    def ollama(self) -> Ollama:
        return self.server.ollama

    def reply(self, status: int, *objects: dict[str, Any]) -> None:
        body = "".join(f"{json.dumps(one)}\n" for one in objects).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        assert "Transfer-Encoding" not in self.headers, "the length of a blob is known"
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self) -> None:
        self.ollama.log.append(f"GET {self.path}")
        if self.path == "/api/version":
            return self.reply(200, {"version": self.ollama.version})
        return self.reply(404, {"error": "not found"})

    def do_HEAD(self) -> None:
        self.ollama.log.append("HEAD blob")
        self.reply(200 if self.path.rpartition("/")[2] in self.ollama.blobs else 404)

    def do_DELETE(self) -> None:
        self.ollama.log.append("DELETE")
        body = json.loads(self.body())
        if set(body) != {"model"}:
            return self.reply(400, {"error": "unknown field"})
        if self.ollama.models.pop(body["model"], None) is None:
            return self.reply(404, {"error": f"model '{body['model']}' not found"})
        return self.reply(200)

    def do_POST(self) -> None:
        raw = self.body()
        if self.path.startswith("/api/blobs/"):
            self.ollama.log.append("POST blob")
            digest = self.path.rpartition("/")[2]
            if f"sha256:{hashlib.sha256(raw).hexdigest()}" != digest:
                return self.reply(400, {"error": "digest mismatch"})
            self.ollama.blobs[digest] = raw
            return self.reply(201)
        self.ollama.log.append(f"POST {self.path}")
        body = json.loads(raw)
        if self.path == "/api/create":
            if error := self.refused(body):
                return self.reply(400, {"error": error})
            self.ollama.models[body["model"]] = body
            steps = ({"status": "parsing GGUF"}, {"status": "writing manifest"}, {"status": "success"})
            return self.reply(200, *steps)
        if self.path == "/api/chat":
            if not set(body) <= CHAT or not set(body["options"]) <= PARAMETERS:
                return self.reply(400, {"error": "unknown field"})
            if body["model"] not in self.ollama.models:
                return self.reply(404, {"error": f"model '{body['model']}' not found"})
            self.ollama.last_chat = body
            half = len(self.ollama.says) // 2
            pieces = ({"message": {"content": text}, "done": False} for text in
                      (self.ollama.says[:half], self.ollama.says[half:]))  # fmt: skip
            counts = {"prompt_eval_count": 3, "eval_count": 4}
            end = {"message": {"content": ""}, "done": True, "done_reason": "stop", **counts}
            return self.reply(200, *pieces, end)
        return self.reply(404, {"error": "not found"})

    def refused(self, body: dict[str, Any]) -> str:
        """Why a model cannot be created; "" if it can."""
        if unknown := set(body) - CREATE:
            return f"unknown field {sorted(unknown)[0]}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", body["model"]):
            return "invalid model name"
        if not set(body["parameters"]) <= PARAMETERS:
            return "unknown parameter"
        named = {**body.get("files", {}), **body.get("adapters", {})}
        if missing := [digest for digest in named.values() if digest not in self.ollama.blobs]:
            return f"blob {missing[0]} is missing"
        if self.ollama.new and body.get("adapters"):
            return "adapters are no longer supported"
        if self.ollama.new and body.get("quantize"):
            return "quantization is no longer supported"
        if not any(name.endswith(".gguf") for name in body["files"]):
            config = json.loads(self.ollama.blobs[body["files"]["config.json"]])
            if config["architectures"][0] not in CONVERTED:
                return f"unsupported architecture {config['architectures'][0]}"
        elif any(self.ollama.blobs[digest][:4] != b"GGUF" for digest in named.values()):
            return "not a GGUF file"
        return ""


@contextmanager
def serving(version: str) -> Iterator[Ollama]:
    """A running server of this version."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ollama = Ollama(version)
    server.ollama = ollama  # type: ignore[attr-defined]
    ollama.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield ollama
    finally:
        server.shutdown()
        server.server_close()
