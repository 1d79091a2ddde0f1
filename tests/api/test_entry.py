"""Who may use the API: addresses, keys, scopes, rate limits, sizes; and the shapes of errors."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import update
from starlette.websockets import WebSocketDisconnect

from api.platform.rate_limit import RateLimit
from api.platform.scopes import Needs
from api.routes import ROUTES
from core.platform.db.tables import API_KEYS
from core.platform.db.uow import UnitOfWork
from core.services.platform import api_keys, sign_in
from core.services.platform.api_keys import checking
from core.services.platform.web import bodies


def test_on_loopback_it_is_open_until_there_is_a_key(open_api, new_key) -> None:
    assert open_api().get("/v1/models").status_code == 200
    key = new_key("read")
    refused = open_api().get("/v1/models")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "no_api_key"
    assert open_api(key=key).get("/v1/models").status_code == 200
    api_keys.revoke(api_keys.list_keys()[0].id)
    assert open_api().get("/v1/models").status_code == 200


@pytest.mark.parametrize(("address", "host"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "studio.example.org")])
def test_away_from_loopback_a_key_is_needed(open_api, new_key, monkeypatch, address: str, host: str) -> None:
    monkeypatch.setenv("SFT_ALLOWED_HOSTS", "studio.example.org")
    assert open_api(address, host=host).get("/v1/models").status_code == 401
    assert open_api(address, key="sk-of-another-service", host=host).get("/v1/models").status_code == 401
    assert open_api(address, key=new_key("read"), host=host).get("/v1/models").status_code == 200


def test_sign_in_closes_the_api_too(open_api, monkeypatch) -> None:
    monkeypatch.setattr(sign_in, "state", lambda: sign_in.SignIn(True))
    for path in ("/v1/models", "/v1/chat/completions", "/nowhere"):
        assert open_api().get(path).status_code == 401
    assert open_api().get("/health").status_code == 200


def test_a_revoked_an_expired_and_a_wrong_key_are_refused_at_once(open_api, new_key) -> None:
    key = new_key("read", days=1)
    client = open_api(key=key)
    assert client.get("/v1/models").status_code == 200
    wrong = open_api(key=key[:-1] + ("a" if key[-1] != "a" else "b")).get("/v1/models")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    (row,) = api_keys.list_keys()
    with UnitOfWork() as uow:
        uow.execute(update(API_KEYS).values(expires_at=time.time() - 1))
        uow.commit()
    expired = client.get("/v1/models")
    assert (expired.status_code, expired.json()["error"]["code"]) == (401, "expired_api_key")
    api_keys.revoke(row.id)
    revoked = client.get("/v1/models")
    assert (revoked.status_code, revoked.json()["error"]["code"]) == (401, "revoked_api_key")


def test_argon2_runs_once_for_a_key_and_stops_guessing(new_key, cheap, monkeypatch) -> None:
    key = new_key("read")
    ran: list[str] = []
    real = cheap.verify
    monkeypatch.setattr(cheap, "verify", lambda *given: ran.append(given[0]) or real(*given))
    assert [api_keys.check(key).name for _ in range(3)] == ["Test"] * 3
    assert len(ran) == 1
    codes = []
    for number in range(checking.MOST_WRONG + 2):
        with pytest.raises(api_keys.KeyRefused) as refused:
            api_keys.check(f"{key}{number}")
        codes.append(refused.value.code)
    assert codes.count("too_many_wrong_keys") == 2
    assert api_keys.check(key).name == "Test", "the key itself still works"


def test_a_key_is_stored_as_a_hash_and_noted_when_it_is_used(new_key) -> None:
    key = new_key("read")
    with UnitOfWork() as uow:
        (row,) = uow.execute(API_KEYS.select()).all()
    assert row.hash.startswith("$argon2id$")
    assert not any(key[len(row.prefix) :] in str(value) for value in row)
    assert row.last_used_at is None
    api_keys.check(key)
    assert api_keys.list_keys()[0].last_used_at


def test_a_key_does_what_its_scopes_allow(open_api, new_key) -> None:
    refused = open_api(key=new_key("data")).post("/v1/chat/completions", json={})
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("permission_error", "missing_scope")
    assert "serve" in error["message"]
    assert open_api(key=new_key("admin")).get("/v1/models").status_code == 200


def test_every_route_names_its_scopes() -> None:
    for router in ROUTES:
        for route in router.routes:
            asked = [given.dependency for given in (*router.dependencies, *route.dependencies)]
            assert any(isinstance(one, Needs) for one in asked), route.path


def test_a_foreign_name_and_a_foreign_page_are_refused(open_api, client) -> None:
    assert open_api(host="evil.example").get("/v1/models").status_code == 421
    assert open_api(host="evil.example").get("/health").status_code == 421
    written = client.post("/v1/completions", json={}, headers={"Origin": "https://evil.example"})
    assert (written.status_code, written.json()["error"]["code"]) == (403, "origin")


def test_bodies_are_bounded(client) -> None:
    refused = client.post("/v1/chat/completions", content=b"x" * (bodies.MAX_BODY_BYTES + 1))
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'"x"', b"{}\n{}"])
def test_a_body_that_is_not_an_object_is_refused_by_that_name(client, content: bytes) -> None:
    for path in ("/api/v1/jobs", "/v1/fine_tuning/jobs"):
        refused = client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert refused.status_code == 400
        assert "object" in refused.text or "JSON" in refused.text
        assert "dictionary" not in refused.text


def test_a_long_name_is_not_repeated_in_full(client) -> None:
    for path in ("/v1/models/", "/api/v1/jobs/", "/v1/files/"):
        assert len(client.get(path + "a" * 60_000).content) < 10_000


def test_an_unknown_path_is_answered_in_the_shape_of_its_face(client) -> None:
    openai, own = client.get("/v1/nowhere"), client.get("/api/nowhere")
    assert openai.status_code == own.status_code == 404
    assert set(openai.json()) == {"error"}
    assert own.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "remedy"} <= set(own.json())
    assert client.delete("/v1/models").status_code == 405
    assert own.headers["x-content-type-options"] == "nosniff"


def test_an_unexpected_error_shows_only_an_id(client, monkeypatch) -> None:
    def broken() -> None:
        raise RuntimeError("a secret of this process")

    monkeypatch.setattr("core.services.serving.served.served_models", broken)
    failed = client.get("/v1/models")
    assert failed.status_code == 500
    assert "secret" not in failed.text
    assert failed.json()["error"]["code"] == "internal"


def test_a_key_has_a_rate_limit(open_api, new_key, monkeypatch) -> None:
    monkeypatch.setenv("SFT_API_RATE", "2")
    client = open_api(key=new_key("read"))
    assert [client.get("/v1/models").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/v1/models")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert int(refused.headers["retry-after"]) >= 1
    monkeypatch.setenv("SFT_API_RATE", "0")
    assert client.get("/v1/models").status_code == 200


def test_the_bucket_fills_up_over_a_minute(studio_env, monkeypatch) -> None:
    monkeypatch.setenv("SFT_API_RATE", "60")
    now = 0.0
    limit = RateLimit(lambda: now)
    assert all(limit.wait_s("a") == 0 for _ in range(60))
    assert limit.wait_s("a") == pytest.approx(1.0)
    assert limit.wait_s("b") == 0
    now = 1.0
    assert limit.wait_s("a") == 0
    assert limit.wait_s("a") > 0


def test_a_websocket_is_closed(client) -> None:
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/v1/models"):
        pass
    assert closed.value.code == 1008
