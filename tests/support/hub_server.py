"""A real HTTP server that gives out a model's files as the Hugging Face Hub does, and refuses as the Hub does.

Source: the Hub's API as huggingface_hub calls it: `/api/models/ID/revision/REV`, `/ID/resolve/COMMIT/FILE`, with the
commit, the size and the ETag in headers, and the reason of a refusal in `X-Error-Code`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "c0ffee" + "0" * 34


@contextmanager
def hub(
    files: dict[str, Path],
    *,
    refuse: tuple[int, str] | None = None,
    slow: tuple[threading.Event, threading.Event] | None = None,
    seen: list[str | None] | None = None,
    weights_at: str = "",
) -> Iterator[str]:
    """The address of a Hub that has one model, `someone/tiny`.

    Args:
        refuse: status and `X-Error-Code` of every answer.
        slow: weights are given out in halves: the first event is set when they are asked for, the second lets go on.
        seen: gets the Authorization header of each request, None where there is none.
        weights_at: the address of another Hub that weights are redirected to.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            if seen is not None:
                seen.append(self.headers.get("Authorization"))
            if weights_at and path.endswith(".safetensors"):
                size = str(files[path.rsplit("/", 1)[-1]].stat().st_size)
                facts = {"Location": weights_at + self.path, "ETag": '"moved"', "X-Repo-Commit": COMMIT}
                return self._send(302, b"", {**facts, "X-Linked-Size": size}, body)
            if refuse:
                return self._send(refuse[0], b"", {"X-Error-Code": refuse[1], "X-Error-Message": "refused"}, body)
            if path in ("/api/models/someone/tiny", "/api/models/someone/tiny/revision/main"):
                siblings = [{"rfilename": name, "size": file.stat().st_size} for name, file in files.items()]
                told = {"id": "someone/tiny", "sha": COMMIT, "siblings": siblings}
                return self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"}, body)
            if path.startswith("/api/models/someone/tiny/revision/"):
                return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
            prefix = f"/someone/tiny/resolve/{COMMIT}/"
            name = path.removeprefix(prefix)
            if path.startswith(prefix) and name in files:
                data = files[name].read_bytes()
                headers = {
                    "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
                    "X-Repo-Commit": COMMIT,
                    "Accept-Ranges": "bytes",
                }
                start = 0
                if given := self.headers.get("Range"):
                    start = int(given.removeprefix("bytes=").partition("-")[0] or 0)
                    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                return self._send(206 if given else 200, data[start:], headers, body, name.endswith(".safetensors"))
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body)

        def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool, weights: bool = False) -> None:
            self.send_response(status)
            for key, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(key, value)
            self.end_headers()
            if not body:
                return
            if slow is not None and weights:
                half = len(data) // 2
                self.wfile.write(data[:half])
                self.wfile.flush()
                slow[0].set()
                slow[1].wait(30)
                data = data[half:]
            with contextlib.suppress(OSError):  # the one who asked has gone
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
