"""A page of a foreign name that resolves to this machine (DNS rebinding)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Studio
from tests.support.chromium import chromium
from tests.support.web import STREAM, WEBSOCKET, ask, web_process

STATIC = "/static/manifest.json"
PATHS = ["/", "/datasets", STATIC, "/_stcore/health", "/_stcore/host-config", "/downloads/x", "/media/x", "/auth/login"]
FOREIGN = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example",
    "evil.example.:{port}",
    "EVIL.example",
    "127.0.0.1@evil.example",
    "evil.example#127.0.0.1",
    "evil.example/127.0.0.1",
    "127.0.0.1:{port}evil",
    "[::1].evil.example",
    "0.0.0.0:{port}",
    "",
]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with web_process(tmp_path_factory.mktemp("web"), SFT_ALLOWED_HOSTS="studio.example.org") as studio:
        yield studio


def port_of(studio: Studio) -> str:
    return studio.url.rpartition(":")[2]


@pytest.mark.parametrize("path", PATHS)
def test_no_address_of_the_studio_answers_a_foreign_name(path: str, web: Studio) -> None:
    answer = ask(web.url, path, [("Host", f"evil.example:{port_of(web)}")])
    assert answer.status == 421
    assert "SFT_ALLOWED_HOSTS" in answer.text
    assert "script" not in answer.text


@pytest.mark.parametrize("host", FOREIGN)
def test_every_way_to_write_a_foreign_name_is_refused(host: str, web: Studio) -> None:
    named = host.format(port=port_of(web))
    assert ask(web.url, "/", [("Host", named)]).status in (400, 421)
    opened = ask(web.url, STREAM, [("Host", named), ("Origin", f"http://{named}"), *WEBSOCKET])
    assert opened.status in (400, 403)


def test_two_host_headers_are_refused(web: Studio) -> None:
    own = ("Host", f"127.0.0.1:{port_of(web)}")
    for headers in ([own, ("Host", "evil.example")], [("Host", "evil.example"), own]):
        assert ask(web.url, "/", headers).status in (400, 421)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::1]", "studio.example.org"])
def test_the_studios_own_names_are_served(name: str, web: Studio) -> None:
    host = f"{name}:{port_of(web)}"
    assert ask(web.url, "/", [("Host", host)]).status == 200
    assert ask(web.url, "/", [("Host", name)]).status == 200  # behind a proxy on the default port
    assert ask(web.url, STREAM, [("Host", host), ("Origin", f"http://{host}"), *WEBSOCKET]).status == 101


def test_a_name_with_scheme_or_port_is_no_allowed_host(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.errors import SettingsError
    from core.settings import get_settings

    for value in ("https://studio.example.org", "studio.example.org:443", "*"):
        monkeypatch.setenv("SFT_ALLOWED_HOSTS", value)
        with pytest.raises(SettingsError, match="SFT_ALLOWED_HOSTS"):
            get_settings()


@pytest.mark.browser
def test_a_browser_that_was_led_here_by_a_foreign_name_sees_no_screen(web: Studio) -> None:
    rule = "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP studio.example.org 127.0.0.1"
    with chromium(rule) as browser:
        page = browser.new_page()
        page.goto(f"http://studio.example.org:{port_of(web)}/")  # the rule works: an allowed name gets the studio
        page.get_by_test_id("stSidebarNavLink").first.wait_for(timeout=240_000)
        answer = page.goto(f"http://evil.example:{port_of(web)}/")
        assert answer is not None
        assert answer.status == 421
        assert page.locator('[data-testid="stApp"]').count() == 0
        opened = page.evaluate(
            """() => new Promise(done => { const s = new WebSocket(`ws://${location.host}/_stcore/stream`);
               s.onopen = () => done(true); s.onerror = () => done(false) })"""
        )
        assert not opened, "a page of evil.example opened the websocket of the studio"


def test_streamlit_run_has_the_same_front_door(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.port", "{port}"]
    with web_process(tmp_path, command=command) as studio:
        assert ask(studio.url, "/", [("Host", "evil.example")]).status == 421
        own = ask(studio.url, "/")
        assert own.status == 200
        assert "frame-ancestors 'self'" in own.headers["content-security-policy"]


@pytest.mark.browser
def test_a_page_that_is_run_without_the_studio_shows_only_how_to_start_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "pages/data/datasets.py", "--server.port", "{port}"]
    with web_process(tmp_path, command=command) as studio, chromium() as browser:
        page = browser.new_page()
        page.goto(studio.url)
        page.locator(".st-key-closed").wait_for(timeout=240_000)
        assert "sft up" in page.locator(".st-key-closed").inner_text()
        assert page.locator("h1").count() == 0
        assert list(studio.data_dir.iterdir()) == []
