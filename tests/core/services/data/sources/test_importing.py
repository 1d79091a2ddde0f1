"""Files of the server and of other hosts: only where the settings allow it."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import DataError, StudioError
from core.platform.storage import get_storage
from core.services.data import sources
from core.services.data.sources import importing

CSV = b"question,answer\nWhat is it?,A rake.\nWhere is it?,In the shed.\n"
pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "a.csv").write_bytes(CSV)
    monkeypatch.setenv("SFT_IMPORT_ROOTS", str(folder))
    return folder


class Handler(http.server.BaseHTTPRequestHandler):
    redirects: dict[str, str] = {}  # noqa: RUF012  set by the tests

    def do_GET(self) -> None:
        if self.path in self.redirects:
            self.send_response(302)
            self.send_header("Location", self.redirects[self.path])
            self.end_headers()
        elif self.path.startswith("/a.csv"):
            self._send(CSV)
        elif self.path == "/cut.csv":
            self._send(CSV, len(CSV) + 100)
        elif self.path == "/huge.csv":
            self._send(CSV, 104_857_601)
        elif self.path == "/endless.csv":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x,y\n" * 1_000)
            except OSError:
                return
        else:
            self.send_error(404)

    def _send(self, body: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        name = f"127.0.0.1:{server.server_port}"
        monkeypatch.setenv("SFT_IMPORT_HOSTS", f"files.example.org, {name}")
        Handler.redirects = {}
        yield name
        server.shutdown()


def test_nothing_is_allowed_unless_it_is_set() -> None:
    assert importing.available() == importing.ImportPlaces((), ())
    for attempt in (lambda: importing.from_path("/etc/passwd"), lambda: importing.from_url("http://localhost/a.csv")):
        with pytest.raises(StudioError, match="cannot be") as caught:
            attempt()
        assert "SFT_IMPORT" in caught.value.remedy


@pytest.mark.parametrize("name", ["{root}/a.csv", "a.csv", "{root}/../shared/a.csv", "link.csv"])
def test_a_file_under_a_root(root: Path, name: str) -> None:
    (root / "link.csv").symlink_to("a.csv")
    record = importing.from_path(name.format(root=root))
    assert (record.filename, record.origin) == ("a.csv", "path")
    assert sources.get(record.id).origin == "path"
    assert sources.local_path(record.id).read_bytes() == CSV


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../outside.csv", "{root}/../outside.csv", "link.csv", "folder/passwd", "{root}2/a.csv",
             "/etc/no-such-file", "%2e%2e/outside.csv", "a.csv\0.txt"],
)  # fmt: skip
def test_nothing_outside_the_roots(root: Path, name: str) -> None:
    (root.parent / "outside.csv").write_bytes(CSV)
    (root.parent / "shared2").mkdir()
    (root.parent / "shared2" / "a.csv").write_bytes(CSV)
    (root / "link.csv").symlink_to(root.parent / "outside.csv")
    (root / "folder").symlink_to("/etc")
    with pytest.raises(StudioError) as caught:
        importing.from_path(name.format(root=root))
    assert caught.value.remedy
    assert get_storage().list("sources") == []


def test_a_pipe_a_folder_and_a_missing_file_are_refused_at_once(root: Path) -> None:
    import os

    os.mkfifo(root / "pipe.csv")
    for name in ("pipe.csv", ".", "missing.csv"):
        with pytest.raises(DataError) as caught:
            importing.from_path(name)
        assert caught.value.code == "file_missing"


def test_a_file_of_an_allowed_host(host: str) -> None:
    Handler.redirects = {"/old": "/a.csv?x=1"}
    for path in ("/a.csv", "/old"):
        record = importing.from_url(f"http://{host}{path}")
        assert (record.filename, record.origin, record.size_bytes) == ("a.csv", "url", len(CSV))


@pytest.mark.parametrize(
    "url",
    ["http://example.com/a.csv", "http://127.0.0.1:1/a.csv", "http://127.0.0.1/a.csv", "file:///etc/passwd",
     "ftp://files.example.org/a.csv", "http://files.example.org@127.0.0.1/a.csv", "http://files.example.org.evil.com/",
     "http://x:y@{host}/a.csv", "gopher://{host}/", "http://[::1]/a.csv", "http://{host}/a\r\nHost: x", "", "http://",
     "http://files.example.org:8443/a.csv", "http://2130706433/a.csv"],
)  # fmt: skip
def test_no_other_host_and_no_other_scheme(host: str, url: str) -> None:
    with pytest.raises(StudioError) as caught:
        importing.from_url(url.format(host=host))
    assert caught.value.remedy
    assert get_storage().list("sources") == []


@pytest.mark.parametrize("target", ["http://example.com/a.csv", "file:///etc/passwd", "//169.254.169.254/latest", "/r"])
def test_a_redirect_goes_nowhere_else(host: str, target: str) -> None:
    Handler.redirects = {"/r": target}
    with pytest.raises(StudioError):
        importing.from_url(f"http://{host}/r")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0"])
def test_a_name_that_leads_into_the_own_network(host: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = [(family, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    with pytest.raises(StudioError, match="private or local"):
        importing.from_url("http://files.example.org/a.csv")


def test_size_cut_and_missing(host: str) -> None:
    for path, words in (("/cut.csv", "ended after"), ("/none.csv", "answered 404"), ("/huge.csv", "104,857,60")):
        with pytest.raises(StudioError, match=words):
            importing.from_url(f"http://{host}{path}")
    with pytest.raises(DataError, match="too large"):
        importing.from_url(f"http://{host}/endless.csv", size_limit=1_000_000)
    assert get_storage().list("sources") == []
