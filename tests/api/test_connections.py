"""Connections over the API: created with a key that is never shown, tested, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.services.serving import shutdowns
from core.training.providers.hosted_services import HOSTED_SERVICES
from tests.support.hosted.openai_shaped import OpenAiShapedService
from tests.support.hosted.server import KEY


@pytest.fixture
def service() -> Iterator[OpenAiShapedService]:
    server = OpenAiShapedService()
    yield server
    server.close()


def test_a_training_service_is_connected_tested_and_listed(client, service) -> None:
    asked = {"name": "Ours", "training": "custom", "base_url": service.url, "key": KEY}
    made = client.post("/api/v1/connections", json=asked)
    assert made.status_code == 201, made.text
    assert KEY not in made.text
    record = made.json()
    path = f"/api/v1/connections/{record['id']}"
    assert (record["training"], record["has_key"]) == ("custom", True)
    assert client.get(path).json() == record
    assert [one["id"] for one in client.get("/api/v1/connections").json()] == ["studio", record["id"]]
    tested = client.post(f"{path}/test").json()
    assert (tested["ok"], [base["id"] for base in tested["trainable"]]) == (True, ["base-1", "base-2"])
    assert [base["id"] for base in client.get(f"{path}/base-models").json()] == ["base-1", "base-2"]
    moved = client.put(path, json={**asked, "key": None, "base_url": "http://127.0.0.1:9/v1"})
    assert (moved.status_code, moved.json()["errors"][0]["field"] if "errors" in moved.json() else "key") == (
        400,
        "key",
    )
    renamed = client.put(path, json={"name": "Renamed", "base_url": service.url}).json()
    assert (renamed["name"], renamed["training"], renamed["has_key"]) == ("Renamed", "custom", True)
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404


def test_base_models_have_the_dates_of_the_calendar(client, service) -> None:
    asked = {"name": "Ours", "training": "custom", "base_url": service.url, "key": KEY}
    path = f"/api/v1/connections/{client.post('/api/v1/connections', json=asked).json()['id']}"
    shutdowns.save(host="127.0.0.1", model="base-2", shutdown_on="2031-02-03")
    dates = [("base-1", ""), ("base-2", "2031-02-03")]
    listed = client.get(f"{path}/base-models").json()
    tested = client.post(f"{path}/test").json()["trainable"]
    for bases in (listed, tested):
        assert [(base["id"], base["shutdown_date"]) for base in bases] == dates


def test_what_is_wrong_is_named(client, service) -> None:
    unknown = client.post("/api/v1/connections", json={"name": "x", "training": "moon"})
    assert (unknown.status_code, "moon" in unknown.text) == (400, True)
    ollama = client.post("/api/v1/connections", json={"name": "x", "kind": "ollama", "training": "custom"})
    assert ollama.status_code == 400
    made = client.post(
        "/api/v1/connections",
        json={"name": "Wrong", "training": "custom", "base_url": service.url, "key": "no-0123456789"},
    ).json()
    tested = client.post(f"/api/v1/connections/{made['id']}/test").json()
    assert (tested["ok"], tested["field"]) == (False, "key")
    assert "no-0123456789" not in str(tested)


def test_every_service_is_described(client) -> None:
    found = client.get("/api/v1/training-services").json()
    assert [one["id"] for one in found] == list(HOSTED_SERVICES.ids())
    openai = next(one for one in found if one["id"] == "openai")
    assert openai["closes_on"] == "2027-01-06"
    assert "learning_rate_multiplier" in [setting["name"] for setting in openai["hyperparameters"]]


def test_only_an_administrators_key_changes_connections(open_api, new_key) -> None:
    reader = open_api(key=new_key("read"))
    assert reader.get("/api/v1/connections").status_code == 200
    assert reader.post("/api/v1/connections", json={"name": "x"}).status_code == 403
    assert reader.get("/api/v1/connections/studio/base-models").status_code == 403
