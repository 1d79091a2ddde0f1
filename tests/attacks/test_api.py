"""A program that uses the API without a key, with a guessed one, or with one that must not do it."""

from __future__ import annotations

import pytest

from core.services.platform import sign_in
from tests.api.conftest import cheap, new_key, open_api

__all__ = ["cheap", "new_key", "open_api"]  # the fixtures

READING = ("/v1/models", "/v1/models/starter", "/api/nothing", "/docs", "/openapi.json")
WRITING = ("/v1/chat/completions", "/v1/completions")


@pytest.fixture
def closed(open_api, monkeypatch: pytest.MonkeyPatch):
    """An API of a studio with sign-in."""
    monkeypatch.setattr(sign_in, "state", lambda *_: sign_in.SignIn(True, origin="http://127.0.0.1:8501"))
    return open_api


def test_nothing_is_answered_without_a_key(closed) -> None:
    client = closed()
    for path in READING:
        assert client.get(path).status_code == 401, path
    for path in WRITING:
        assert client.post(path, json={}).status_code == 401, path


@pytest.mark.parametrize(
    "header", ["Bearer sft_aaaaaaaa_guess", "Bearer sft_", "Basic eDp5", "Bearer  ", "sft_aaaaaaaa"]
)
def test_a_guessed_key_is_refused(closed, new_key, header: str) -> None:
    new_key("admin")
    assert closed().get("/v1/models", headers={"Authorization": header}).status_code == 401


def test_the_beginning_of_a_key_is_not_a_key(closed, new_key) -> None:
    key = new_key("admin")
    prefix = key[:12]
    for guess in (prefix, f"{prefix}_", key[:-1], f"{key}a", key.upper(), f"{prefix}_%", f"{prefix}' or 1=1"):
        assert closed(key=guess).get("/v1/models").status_code == 401, guess
    assert closed(key=key).get("/v1/models").status_code == 200


def test_a_key_is_not_taken_from_the_address(closed, new_key) -> None:
    """Addresses end up in logs and histories."""
    assert closed().get("/v1/models", params={"api_key": new_key("admin")}).status_code == 401


def test_a_key_is_not_in_the_log_of_requests(closed, new_key, caplog: pytest.LogCaptureFixture) -> None:
    key = new_key("read")
    with caplog.at_level("DEBUG"):
        closed(key=key).get("/v1/models")
        closed(key=f"{key}x").get("/v1/models")
    assert key[13:] not in caplog.text
