"""The API in this process, as a client on this machine reaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from pwdlib import PasswordHash

from api.app import make_app
from core.services.platform import api_keys
from tests.support.api_keys import cheap_hashes

Open = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> PasswordHash:
    return cheap_hashes(monkeypatch)


@pytest.fixture
def open_api(studio_env) -> Iterator[Open]:
    """`open_api(address="127.0.0.1", key="", host="127.0.0.1")`: a client of a new API."""
    opened: list[TestClient] = []

    def make(address: str = "127.0.0.1", key: str = "", host: str = "127.0.0.1") -> TestClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        client = TestClient(
            make_app(address), base_url=f"http://{host}:8000", headers=headers, raise_server_exceptions=False
        )
        client.__enter__()
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(open_api: Open) -> TestClient:
    """On loopback, where no key is needed."""
    return open_api()


@pytest.fixture
def new_key(studio_env) -> Callable[..., str]:
    """`new_key("read", days=3)`: the text of a new key with these scopes."""

    def make(*scopes: str, days: int | None = None) -> str:
        return api_keys.create(name="Test", scopes=scopes or ("admin",), days=days).key

    return make
