"""The guarded download: TLS by name on the checked address, and the connection goes nowhere else."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import DataError, StudioError
from core.platform import fetch, network


class Handler(http.server.BaseHTTPRequestHandler):
    hosts: list[str] = []  # noqa: RUF012  the Host header of each request

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        body = b"a,b\n1,2\n"
        self.send_response(200)
        if self.path != "/open.csv":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    Handler.hosts = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Names lead to these addresses, one after another; returns the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(name: str | bytes, port: int, *args: object, **kwargs: object) -> object:
        text = name.decode() if isinstance(name, bytes) else name
        if text == "files.example.org":
            asked.append(text)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[min(len(asked), len(answers)) - 1], port))]
        return real(name, port, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_the_name_is_resolved_once_and_stays_in_the_host_header(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is checked and local when it is used: only the checked address is used."""
    asked = resolve_to(monkeypatch, "127.0.0.1", "10.0.0.1")
    monkeypatch.setattr(network, "is_public", lambda address: address == "127.0.0.1")
    name = f"files.example.org:{port}"
    with fetch.download(f"http://{name}/a.csv", (name,), 1_000) as file:
        assert (file.name, file.stream.read()) == ("a.csv", b"a,b\n1,2\n")
    assert asked == ["files.example.org"]
    assert Handler.hosts == [name]


def test_a_certificate_must_be_for_the_name(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str | None] = []
    real = ssl.SSLContext.wrap_socket

    def wrap(self: ssl.SSLContext, sock: socket.socket, *args: object, **kwargs: object) -> ssl.SSLSocket:
        names.append(str(kwargs.get("server_hostname")))
        assert self.check_hostname
        assert self.verify_mode == ssl.CERT_REQUIRED
        return real(self, sock, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    resolve_to(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(network, "is_public", lambda address: True)
    name = f"files.example.org:{port}"
    with pytest.raises(StudioError, match="failed"), fetch.download(f"https://{name}/a.csv", (name,), 1_000):
        pass  # the server speaks no TLS
    assert names == ["files.example.org"]


@pytest.mark.parametrize("path", ["a.csv", "open.csv"])
def test_the_size_limit_holds_with_and_without_a_declared_length(port: int, path: str) -> None:
    host = f"127.0.0.1:{port}"
    with (
        pytest.raises(DataError, match="too large") as caught,
        fetch.download(f"http://{host}/{path}", (host,), 7) as file,
    ):
        file.stream.read()
    assert caught.value.code == "file_too_large"


def test_a_download_that_takes_too_long_ends(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_TOTAL_S", -1.0)
    host = f"127.0.0.1:{port}"
    with pytest.raises(StudioError, match="it took more than"), fetch.download(f"http://{host}/a.csv", (host,), 100):
        pass
