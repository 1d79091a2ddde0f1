"""With sign-in: every path of the web app and of the API, taken from the apps, is refused without a cookie or a key.

A new route is tested without another line. What is public is listed here, and nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from streamlit.runtime.runtime import RuntimeState

import Home
from api.app import make_app
from core.services.platform import sign_in
from core.services.platform.web.addresses import READING
from pages.ui.front_door.middleware import HEALTH, SIGN_IN
from tests.api.conftest import open_api
from tests.attacks.test_before_sign_in import is_outside, locked
from tests.e2e.harness import Studio
from tests.support.web import WEBSOCKET, ask, configure_sign_in

__all__ = ["locked", "open_api"]  # the fixtures

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WEB_PUBLIC = {HEALTH, *SIGN_IN}  # of the sign-in: they lead to the provider and back
API_PUBLIC = {"/health"}


def paths(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """The path of each route, with `x` in the place of its parameters."""
    for route in (found.original_route for found in iter_route_contexts(list(routes))):
        path = prefix + re.sub(r"\{[^}]*\}", "x", getattr(route, "path", ""))
        if isinstance(route, Mount) or not isinstance(route, Route | WebSocketRoute):
            yield f"{path}/x"
            yield from paths(getattr(route, "routes", None) or (), path)
        else:
            yield path


@pytest.fixture
def web_routes(monkeypatch: pytest.MonkeyPatch) -> list[BaseRoute]:
    """Of the web app as it is served, Streamlit's own ones among them."""
    runtime = MagicMock(state=RuntimeState.INITIAL)
    monkeypatch.setattr(Home.app, "_runtime", runtime)
    return list(Home.app._build_starlette_app().routes)


def test_every_path_of_the_web_app(web_routes: list[BaseRoute], locked: Studio) -> None:
    found = set(paths(web_routes))
    assert len(found) > 15
    assert found >= WEB_PUBLIC
    for path in sorted(found):
        for method in METHODS:
            answer = ask(locked.url, path, method=method)
            if method in READING and path in WEB_PUBLIC:
                assert answer.status != 401, path
            else:
                assert is_outside(answer), (method, path, answer.status)


def test_every_websocket_of_the_web_app(web_routes: list[BaseRoute], locked: Studio) -> None:
    found = set(paths(route for route in web_routes if isinstance(route, WebSocketRoute)))
    assert found
    for path in found:
        assert ask(locked.url, path, [("Origin", locked.url), *WEBSOCKET]).status == 403


@pytest.fixture
def signed_in_only(studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process reads a sign-in configuration."""
    configure_sign_in(tmp_path, "http://127.0.0.1:8501")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert sign_in.state().required


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_every_path_of_the_api(signed_in_only: None, open_api, address: str) -> None:
    client = open_api(address)
    found = set(paths(make_app(address).routes))
    assert len(found) > 60
    for path in sorted(found):
        for method in METHODS:
            status = client.request(method, path).status_code
            if method in READING and path in API_PUBLIC:
                assert status != 401, path
            else:
                assert status == 401, (method, path, status)
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path):
            pass
