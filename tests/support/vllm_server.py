"""A strict server of vLLM's API for adapters: paths, ranks and names are checked as its documentation says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class VllmServer:
    """What the server has. `runtime`: it was started with VLLM_ALLOW_RUNTIME_LORA_UPDATING."""

    def __init__(self, *, runtime: bool, max_rank: int) -> None:
        self.runtime, self.max_rank, self.url = runtime, max_rank, ""
        self.adapters: dict[str, str] = {}
        self.models = ["base"]
        self.says = "It is blue."


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None:
        return None

    def reply(self, status: int, body: str, kind: str = "application/json") -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def error(self, status: int, message: str) -> None:
        self.reply(status, json.dumps({"error": {"message": message, "type": "BadRequestError", "code": status}}))

    def do_GET(self) -> None:
        vllm: VllmServer = self.server.vllm
        if self.path != "/v1/models":
            return self.error(404, "Not Found")
        names = [*vllm.models, *vllm.adapters]
        return self.reply(200, json.dumps({"object": "list", "data": [{"id": name} for name in names]}))

    def do_POST(self) -> None:
        vllm: VllmServer = self.server.vllm
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/v1/load_lora_adapter" and vllm.runtime:
            return self.load(vllm, body)
        if self.path == "/v1/unload_lora_adapter" and vllm.runtime:
            if vllm.adapters.pop(body["lora_name"], None) is None:
                return self.error(404, f"The lora adapter '{body['lora_name']}' cannot be found.")
            return self.reply(200, f"Success: LoRA adapter '{body['lora_name']}' removed successfully.", "text/plain")
        if self.path == "/v1/chat/completions":
            if body["model"] not in (*vllm.models, *vllm.adapters):
                return self.error(404, f"The model `{body['model']}` does not exist.")
            events = [
                {"choices": [{"delta": {"content": vllm.says}, "finish_reason": None}]},
                {"choices": [{"delta": {}, "finish_reason": "stop"}]},
                {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
            ]
            lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
            return self.reply(200, f"{lines}data: [DONE]\n\n", "text/event-stream")
        return self.error(404, "Not Found")

    def load(self, vllm: VllmServer, body: dict[str, str]) -> None:
        if set(body) != {"lora_name", "lora_path"}:
            return self.error(400, "unknown field")
        if body["lora_name"] in vllm.adapters:
            return self.error(400, f"The lora adapter '{body['lora_name']}' has already been loaded.")
        config = Path(body["lora_path"]) / "adapter_config.json"
        if not config.is_file():
            return self.error(404, f"No adapter found for {body['lora_path']}")
        rank = json.loads(config.read_text()).get("r", 8)
        if rank > vllm.max_rank:
            return self.error(400, f"LoRA rank {rank} is greater than max_lora_rank {vllm.max_rank}.")
        vllm.adapters[body["lora_name"]] = body["lora_path"]
        return self.reply(200, f"Success: LoRA adapter '{body['lora_name']}' added successfully.", "text/plain")


@contextmanager
def serving(*, runtime: bool = True, max_rank: int = 16) -> Iterator[VllmServer]:
    """A running server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vllm = VllmServer(runtime=runtime, max_rank=max_rank)
    server.vllm = vllm  # type: ignore[attr-defined]
    vllm.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield vllm
    finally:
        server.shutdown()
        server.server_close()
