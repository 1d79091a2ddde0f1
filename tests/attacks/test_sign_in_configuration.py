"""Sign-in whose configuration is broken or deleted, while the studio runs or before its next start."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from core.cli import main
from core.errors import Conflict
from core.platform import sign_in
from tests.e2e.harness import Studio
from tests.support.servers import free_port
from tests.support.web import STREAM, WEBSOCKET, Headers, ask, configure_sign_in, cookie, web_process

BROKEN: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda file: file.write_text(""),
    "not TOML": lambda file: file.write_text("[auth\n"),
    "not text": lambda file: file.write_bytes(b"\xff\xfe\x00[auth]"),
    "without its section": lambda file: file.write_text('[other]\nkey = "x"\n'),
    "an empty section": lambda file: file.write_text("[auth]\n"),
    "another kind of value": lambda file: file.write_text('auth = "on"\n'),
    "without a secret": lambda file: file.write_text(file.read_text().replace("cookie_secret", "cookie_secrets")),
    "a short secret": lambda file: file.write_text(file.read_text().replace("a-secret-of-this-test-alone-", "")),
    "without a provider": lambda file: file.write_text(file.read_text().replace("client_id", "client")),
    "without an address": lambda file: file.write_text(file.read_text().replace("/oauth2callback", "/back")),
    "a folder in its place": lambda file: (file.unlink(), file.mkdir()),
}


def is_closed(studio: Studio) -> bool:
    page = ask(studio.url, "/", [("Accept", "text/html")])
    files = ask(studio.url, "/static/manifest.json")
    opened = ask(studio.url, STREAM, [("Origin", studio.url), *WEBSOCKET])
    return (page.status, files.status, opened.status) == (503, 503, 403) and "closed" in page.text


def test_a_running_studio_closes_with_a_sentence_and_opens_again(tmp_path: Path) -> None:
    port = free_port()
    file = configure_sign_in(tmp_path, f"http://127.0.0.1:{port}")
    good = file.read_text()
    with web_process(tmp_path, port=port) as studio:
        for name, damage in BROKEN.items():
            assert ask(studio.url, "/").status == 401, name
            damage(file)
            assert is_closed(studio), name
            assert "sign" in ask(studio.url, "/").text.lower(), name
            if file.is_dir():
                file.rmdir()
            file.write_text(good)
        assert ask(studio.url, "/_stcore/health").text == "ok"
        file.unlink()
        (studio.data_dir / "sign-in-required.json").unlink()
        assert is_closed(studio), "a running studio forgot that sign-in is required"


def test_a_restarted_studio_stays_closed_until_it_is_switched_off_on_purpose(tmp_path: Path) -> None:
    file = configure_sign_in(tmp_path, "http://127.0.0.1:1")
    with web_process(tmp_path) as studio:
        assert ask(studio.url, "/").status == 401
    file.unlink()
    with web_process(tmp_path) as studio:
        assert is_closed(studio)
        assert "sft signin --off" in ask(studio.url, "/").text


def opened(studio: Studio, headers: Headers = ()) -> connect:
    address = studio.url.replace("http", "ws") + STREAM
    return connect(address, origin=Origin(studio.url), additional_headers=dict(headers), subprotocols=["streamlit"])


def is_ended(socket: ClientConnection) -> bool:
    """Whether the studio ends this websocket at its next message, whatever that is."""
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    socket.send(rerun.SerializeToString())
    try:
        while True:
            socket.recv(timeout=5)
    except ConnectionClosed as closed:
        return closed.rcvd is not None and closed.rcvd.code == 1008
    except TimeoutError:
        return False


def test_a_page_that_is_open_already_gets_nothing_more(tmp_path: Path) -> None:
    """The parts of a page that refresh themselves run without its guard."""
    port = free_port()
    with web_process(tmp_path, port=port) as studio:
        with opened(studio) as before:
            assert not is_ended(before)
            file = configure_sign_in(tmp_path, studio.url)
            assert is_ended(before), "opened before sign-in was required"
        with opened(studio, cookie(studio)) as signed_in:
            assert not is_ended(signed_in)
            file.unlink()
            assert is_ended(signed_in), "open while the configuration was deleted"


@pytest.fixture
def files(tmp_path: Path, studio_env: Path) -> list[Path]:
    return [configure_sign_in(tmp_path, "http://127.0.0.1:8501")]


def test_switching_off_is_refused_while_the_configuration_is_there(files: list[Path]) -> None:
    assert sign_in.examine(files).problem == ""
    with pytest.raises(Conflict, match=r"secrets\.toml"):
        sign_in.switch_off(files)
    assert sign_in.examine(files).required
    files[0].unlink()
    assert sign_in.examine(files).problem
    assert sign_in.switch_off(files)
    assert not sign_in.examine(files).required
    assert not sign_in.switch_off(files)


def test_a_file_that_cannot_be_read_is_not_a_reason_to_open(files: list[Path]) -> None:
    files[0].write_text("not = [toml")  # never seen before: it may have had an [auth] section
    found = sign_in.examine(files)
    assert found.required
    assert "secrets.toml" in found.problem


def test_a_change_is_seen_at_once(files: list[Path]) -> None:
    """Also one of the same length within one tick of the clock of the file system."""
    for turn in range(50):
        files[0].write_text(files[0].read_text().replace("studio", "stud1o"))
        assert sign_in.examine(files).problem == ""
        os.utime(files[0], (time.time(), turn))
        files[0].write_text(files[0].read_text().replace("client_id", "client_ix"))
        assert sign_in.examine(files).problem
        files[0].write_text(files[0].read_text().replace("client_ix", "client_id"))


def test_each_setting_that_is_wrong_is_named(files: list[Path]) -> None:
    good = files[0].read_text()
    for setting in ("redirect_uri", "cookie_secret", "client_id"):
        files[0].write_text(good.replace(f"{setting} =", f"{setting}_x ="))
        assert f"`{setting}`" in sign_in.examine(files).problem


@pytest.mark.parametrize("way", ["the setting", "a flag of streamlit run"])
def test_an_address_of_the_network_without_sign_in_is_closed(way: str, tmp_path: Path) -> None:
    """Also when this process is started alone, around the check of `sft up`."""
    by_flag = ["streamlit", "run", "Home.py", "--server.port", "{port}", "--server.address", "0.0.0.0"]
    command = [sys.executable, "-m", *by_flag] if way != "the setting" else []
    with web_process(tmp_path, command=command, **({} if command else {"SFT_HOST": "0.0.0.0"})) as studio:
        assert is_closed(studio)
        assert "sign-in is not configured" in ask(studio.url, "/").text


def test_the_command_line_says_what_is_so_and_switches_off_on_purpose(
    tmp_path: Path, studio_env: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sign_in, "ROOT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def sft(*words: str) -> tuple[int, str]:
        code = main(["signin", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert sft()[0] == 0
    file = configure_sign_in(tmp_path, "https://studio.example.org")
    assert "https://studio.example.org" in sft()[1]
    code, said = sft("--off")
    assert (code, "secrets.toml" in said) == (1, True)
    file.write_text("[auth]\nclient_id = 'x'\n")
    assert sft()[0] == 1
    file.unlink()
    code, said = sft()
    assert (code, "sft signin --off" in said) == (1, True)
    assert sft("--off")[0] == 0
    assert sft()[0] == 0
