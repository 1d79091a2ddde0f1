"""Reading or writing anything before a valid sign-in: pages, static files, uploads, downloads, the websocket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from pages.ui.navigation import SECTIONS
from tests.e2e.harness import Studio
from tests.support.chromium import chromium
from tests.support.oidc_server import PERSON, oidc_server
from tests.support.servers import free_port
from tests.support.web import (
    SECRET,
    STREAM,
    WEBSOCKET,
    Answer,
    Headers,
    ask,
    configure_sign_in,
    cookie,
    web_process,
)

SCREENS = sorted(screen.name for section in SECTIONS.values() for screen in section)
CLOSED = [
    "/static/manifest.json",
    "/static/js/index.js",
    "/media/0123.png",
    "/downloads/token",
    "/component/x/index.html",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/_stcore/script-health-check",
    "/_stcore/health/../host-config",
    "/_stcore/health%2f..%2fhost-config",
    "//_stcore/host-config",
    "/oauth2callback/../static/manifest.json",
    "/favicon.png",
]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder, port = tmp_path_factory.mktemp("locked"), free_port()
    configure_sign_in(folder, f"http://127.0.0.1:{port}")
    with web_process(folder, port=port) as studio:
        yield studio


def is_outside(answer: Answer) -> bool:
    return answer.status in (400, 401, 403, 404) and "streamlit" not in answer.text.lower()


@pytest.mark.parametrize("path", [*(f"/{name}" for name in SCREENS), "/", "/x/y", *CLOSED])
def test_an_address_gives_nothing_away(path: str, locked: Studio) -> None:
    assert is_outside(ask(locked.url, path))
    assert is_outside(ask(locked.url, path, [("Accept", "text/html")]))
    assert is_outside(ask(locked.url, path, method="HEAD"))


def test_a_health_check_and_the_sign_in_itself_are_open(locked: Studio) -> None:
    assert ask(locked.url, "/_stcore/health").text == "ok"
    screen = ask(locked.url, "/", [("Accept", "text/html")])
    assert screen.status == 401
    assert 'href="/sign-in?with="' in screen.text
    to_provider = ask(locked.url, "/sign-in?with=")
    assert to_provider.status == 303
    assert to_provider.headers["location"].startswith("/auth/login?provider=")


def test_nothing_is_written(locked: Studio) -> None:
    for method in ("PUT", "POST", "DELETE"):
        for path in ("/_stcore/upload_file/a/b", "/_stcore/health", "/auth/login", "/sign-in"):
            assert is_outside(ask(locked.url, path, method=method, body=b"x")), (method, path)


def signed(text: str) -> Headers:
    """A cookie with the right signature and this text in it."""
    return [("Cookie", f"{USER_COOKIE_NAME}={URLSafeTimedSerializer(SECRET, salt=USER_COOKIE_NAME).dumps(text)}")]


def forged(studio: Studio) -> dict[str, Headers]:
    good = cookie(studio)[0][1]
    payload, at, signature = good.partition("=")[2].rsplit(".", 2)
    return {
        "no cookie": [],
        "empty": [("Cookie", f"{USER_COOKIE_NAME}=")],
        "another secret": cookie(studio, secret="another-secret-0123456789"),
        "the empty secret": cookie(studio, secret=""),
        "signed for another cookie": cookie(studio, salt="_streamlit_user_tokens"),
        "another origin": cookie(studio, origin="http://evil.example"),
        "not signed in": cookie(studio, is_logged_in=False),
        "text instead of true": cookie(studio, is_logged_in="true"),
        "changed": [("Cookie", f"{USER_COOKIE_NAME}={payload[:-2]}AA.{at}.{signature}")],
        "without a signature": [("Cookie", f"{USER_COOKIE_NAME}={payload}")],
        "plain JSON": [("Cookie", f'{USER_COOKIE_NAME}={{"is_logged_in": true}}')],
        "a list": signed("[1]"),
        "not JSON": signed("{"),
        "chunks that are missing": signed("chunks-3"),
        "a header that names a user": [("X-Forwarded-User", "ann"), ("Authorization", "Bearer x")],
    }


def test_a_forged_cookie_opens_nothing(locked: Studio) -> None:
    for name, headers in forged(locked).items():
        assert is_outside(ask(locked.url, "/", headers)), name
        opened = ask(locked.url, STREAM, [("Origin", locked.url), *WEBSOCKET, *headers])
        assert opened.status == 403, name


def test_a_valid_cookie_opens_the_studio(locked: Studio) -> None:
    assert ask(locked.url, "/", cookie(locked)).status == 200
    assert ask(locked.url, "/static/manifest.json", cookie(locked)).status == 200
    assert ask(locked.url, STREAM, [("Origin", locked.url), *WEBSOCKET, *cookie(locked)]).status == 101


@pytest.mark.browser
def test_a_person_signs_in_at_the_provider_and_sees_the_studio(tmp_path: Path) -> None:
    port = free_port()
    with oidc_server() as provider:
        configure_sign_in(tmp_path, f"http://127.0.0.1:{port}", provider)
        with web_process(tmp_path, port=port) as studio, chromium() as browser:
            page = browser.new_page()
            page.goto(f"{studio.url}/datasets")
            assert page.locator('[data-testid="stApp"]').count() == 0
            page.get_by_role("link", name="Sign in").click()
            page.get_by_test_id("stSidebarNavLink").first.wait_for(timeout=240_000)
            page.goto(f"{studio.url}/settings")
            page.get_by_text(PERSON["name"]).wait_for(timeout=240_000)
            page.get_by_text("Sign out").click()
            page.locator("#front-door").wait_for(timeout=240_000)
            assert ask(studio.url, "/").status == 401
