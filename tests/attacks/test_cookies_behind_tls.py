"""A cookie that travels without TLS, or a client that claims TLS: X-Forwarded-Proto from a stranger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from core.services.platform.sign_in import SignIn
from pages.ui.front_door import session
from pages.ui.front_door.middleware import FrontDoor

FORWARDED = {"X-Forwarded-Proto": "https"}


def give_cookies(_: Request) -> Response:
    answer = PlainTextResponse("x")
    answer.set_cookie("_streamlit_user", "a", httponly=True, samesite="lax")
    answer.set_cookie("_streamlit_xsrf", "b; Secure; x")
    answer.headers.append("set-cookie", "already=c; Path=/; secure")
    return answer


@pytest.fixture
def cookies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The cookies of an answer; by default a plain connection from 10.0.0.9 without sign-in."""

    def ask(peer: str = "10.0.0.9", scheme: str = "http", origin: str = "", **headers: Any) -> list[str]:
        monkeypatch.setattr(session, "current", lambda address: SignIn(False, origin=origin))
        door = FrontDoor(Starlette(routes=[Route("/", give_cookies)]))
        client = TestClient(door, base_url=f"{scheme}://localhost", client=(peer, 1234))
        return client.get("/", headers=headers).headers.get_list("set-cookie")

    return ask


def are_secure(found: list[str]) -> list[bool]:
    return ["secure" in [part.strip().lower() for part in cookie.split(";")[1:]] for cookie in found[:2]]


def test_behind_tls_every_cookie_is_secure_once(cookies, monkeypatch: pytest.MonkeyPatch) -> None:
    assert are_secure(cookies(scheme="https")) == [True, True]
    assert are_secure(cookies(origin="https://studio.example.org")) == [True, True]
    monkeypatch.setenv("SFT_TRUSTED_PROXIES", "10.0.0.8, 10.0.0.9")
    found = cookies(**FORWARDED)
    assert are_secure(found) == [True, True]
    assert [cookie.lower().count("secure") for cookie in found] == [1, 2, 1]


def test_a_stranger_cannot_claim_tls(cookies, monkeypatch: pytest.MonkeyPatch) -> None:
    assert are_secure(cookies(**FORWARDED)) == [False, False]
    monkeypatch.setenv("SFT_TRUSTED_PROXIES", "10.0.0.8")
    assert are_secure(cookies(**FORWARDED)) == [False, False]
    assert are_secure(cookies(peer="10.0.0.8", **{"X-Forwarded-Proto": "https, http"})) == [False, False]
    assert are_secure(cookies(peer="10.0.0.8", **FORWARDED)) == [True, True]


def test_without_tls_a_browser_would_drop_a_secure_cookie(cookies) -> None:
    assert are_secure(cookies()) == [False, False]
