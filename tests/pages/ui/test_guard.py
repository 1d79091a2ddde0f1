"""The guard: nothing of a page runs before the sign-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import guard
from tests.pages.conftest import ROOT

AUTH = {
    "cookie_secret": "a-secret-of-this-test",
    "redirect_uri": "http://127.0.0.1/oauth2callback",
    "google": {"client_id": "1", "client_secret": "2", "server_metadata_url": "http://127.0.0.1/openid"},
}


@pytest.mark.parametrize("file", ["Home.py", "pages/learn/home.py", "pages/training/jobs.py"])
def test_with_sign_in_configured_the_sign_in_is_all_there_is(file: str, studio_env: Path) -> None:
    app = AppTest.from_file(str(ROOT / file), default_timeout=180)
    app.secrets["auth"] = AUTH
    app.run()
    assert not app.exception
    assert [button.key for button in app.button] == ["sign_in_google"]
    assert not app.title


def test_without_sign_in_the_screen_opens(studio_env: Path) -> None:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180).run()
    assert app.title
    assert not [button.key for button in app.button if str(button.key).startswith("sign_in")]


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ({"client_id": "1", "cookie_secret": "2"}, [""]),
        ({"cookie_secret": "2", "google": {"client_id": "1"}, "okta": {"client_id": "3"}}, ["google", "okta"]),
    ],
)
def test_each_provider_of_the_secrets_gets_a_button(
    section: dict[str, object], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_auth_section", lambda: section)
    assert guard.sign_in_providers() == names
