"""A web address that leads to this machine, its network or its cloud, in any spelling, by a name or a redirect.

Two doors lead out: a file fetched by URL (core/platform/fetch.py, public addresses only) and the clients of language
models (core/models/llm, which may use the team's network but no address where machines hand out credentials).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from core.errors import SettingsError, StudioError
from core.models.llm import CLIENTS, Ask, Endpoint, LlmError
from core.platform import fetch
from core.services.platform import connections
from tests.support.drip_server import drip_server
from tests.support.llm_server import Reply, llm_server

NAME = "files.example.org"
ASK = Ask("m", ({"role": "user", "content": "hello"},))
LIMIT_S = 1.0
CLOUD = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "0.0.0.0",
         "64:ff9b:1::a9fe:a9fe", "::169.254.169.254", "fd00:ec2::254", "100.100.100.200", "224.0.0.1"]  # fmt: skip
PRIVATE = [*CLOUD, "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "::1", "fd00::1",
           "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "64:ff9b::10.0.0.1", "::7f00:1", "2001:0:7f00:1::1",
           "2606:4700::5efe:10.0.0.1"]  # fmt: skip


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a connection was tried to, other than this machine's."""
    tried: list[str] = []
    real = socket.create_connection

    def connect(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        if address[0] != "127.0.0.1":
            tried.append(address[0])
            raise OSError("the tests connect nowhere else")
        return real(address, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


@pytest.fixture
def leads_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets NAME lead to an address."""

    def set_address(address: str) -> None:
        real = socket.getaddrinfo
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def answer(name: object, port: int, *args: object, **kwargs: object) -> object:
            text = name.decode() if isinstance(name, bytes) else name
            if text == NAME:
                return [(family, socket.SOCK_STREAM, 6, "", (address, port))]
            return real(name, port, *args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return set_address


@pytest.mark.parametrize("address", PRIVATE)
def test_a_file_is_not_fetched_through_a_name_that_leads_inside(
    address: str, leads_to: Callable[[str], None], connected: list[str]
) -> None:
    leads_to(address)
    with pytest.raises(StudioError, match="private or local"), fetch.download(f"http://{NAME}/a.csv", (NAME,), 100):
        pass
    assert connected == []


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "１２７.0.0.1"])
def test_an_odd_spelling_of_this_machine_is_not_fetched_from(spelling: str) -> None:
    """Even where the operator allowed it: it is not certain that they knew where it leads."""
    with drip_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"") as port:
        host = f"{spelling}:{port}"
        with pytest.raises(StudioError), fetch.download(f"http://{host}/a.csv", (host,), 100):
            pass


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/x", "http://2130706433/x", f"http://{NAME}/x", "file:///etc/passwd"]
)
def test_a_redirect_of_an_allowed_host_leads_nowhere_inside(
    target: str, leads_to: Callable[[str], None], connected: list[str]
) -> None:
    leads_to("64:ff9b::a00:1")
    with llm_server(lambda request: Reply(raw=b"secret")) as inside:
        away = {"Location": target.format(port=inside.port)}
        with llm_server(lambda request: Reply(status=302, raw=b"", headers=away)) as outside:
            host = f"127.0.0.1:{outside.port}"
            with pytest.raises(StudioError), fetch.download(f"http://{host}/v1/models", (host, NAME), 100) as file:
                file.stream.read()
        assert inside.requests == []
    assert connected == []


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("address", CLOUD)
def test_a_language_model_is_not_asked_where_clouds_hand_out_credentials(
    kind: str, address: str, leads_to: Callable[[str], None], connected: list[str]
) -> None:
    leads_to(address)
    client = CLIENTS.get(kind).open(Endpoint(f"http://{NAME}/v1", "key", LIMIT_S))
    with pytest.raises(LlmError) as caught:
        client.ask(ASK)
    assert caught.value.cause == "address"
    assert caught.value.fatal
    assert connected == []


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "0",
        "[::]",
    ],
)
def test_such_an_address_is_not_saved_in_any_spelling(studio_env: object, host: str) -> None:
    with pytest.raises(SettingsError, match="not allowed"):
        connections.save(name="mine", kind="openai", base_url=f"http://{host}/v1", key="x")


def ends_in_time(act: Callable[[], object]) -> Exception:
    """The error that `act` ends with, well before a drip would."""
    began, caught = time.monotonic(), []

    def run() -> None:
        try:
            act()
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(5 * LIMIT_S)
    assert not thread.is_alive(), f"still waiting after {time.monotonic() - began:.0f} s"
    return caught[0]


HEADERS = (b"HTTP/1.1 200 OK\r\n", b"X-Filler: a\r\n")
BODY = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")


@pytest.fixture(params=[HEADERS, BODY], ids=["headers", "body"])
def drip(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that sends its headers, or its body, byte by byte without end."""
    with drip_server(*request.param) as port:
        yield port


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_a_dripping_language_model_ends_at_its_time_limit(kind: str, drip: int) -> None:
    client = CLIENTS.get(kind).open(Endpoint(f"http://127.0.0.1:{drip}", "key", LIMIT_S))
    error = ends_in_time(lambda: client.ask(ASK))
    assert isinstance(error, LlmError)
    assert error.cause == "timeout"


def test_a_dripping_file_ends_at_its_time_limit(drip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_TOTAL_S", LIMIT_S)
    host = f"127.0.0.1:{drip}"

    def act() -> None:
        with fetch.download(f"http://{host}/a.csv", (host,), 1_000_000) as file:
            file.stream.read()

    error = ends_in_time(act)
    assert isinstance(error, StudioError)
    assert "it took more than" in error.message or "timed out" in error.message
