"""Spending, budgets and prices over HTTP; paid work that a budget refuses, and the header with a reason."""

from __future__ import annotations

from core.services.platform import budgets, connections, tasks
from tests.support.hosted.server import KEY
from tests.support.hosted.services import OpenAiService
from tests.support.jobs import make_dataset
from tests.support.random_model import make_model


def test_budgets_are_read_and_changed(client) -> None:
    assert [one["kind"] for one in client.get("/api/v1/spending/budgets").json()] == [
        "studio", "training", "smart", "judging", "answers",
    ]  # fmt: skip
    changed = client.put("/api/v1/spending/budgets/smart", json={"limit_usd": 12.5}).json()
    assert (changed["limit_usd"], changed["state"]) == (12.5, "ok")
    assert client.put("/api/v1/spending/budgets/smart", json={"limit_usd": None}).json()["state"] == "none"
    assert client.put("/api/v1/spending/budgets/beer", json={"limit_usd": 1}).status_code == 400
    assert client.put("/api/v1/spending/budgets/smart", json={"limit_usd": -1}).status_code == 400


def test_prices_are_entered_and_removed(client) -> None:
    connections.save(name="Nebius", kind="openai", base_url="https://ft.example.org/v1")
    body = {"connection": "nebius", "base_model": "Qwen/Qwen3-8B", "usd": 0.7, "as_of": "2026-11-30"}
    made = client.put("/api/v1/spending/prices", json=body).json()
    assert (made["connection"], made["usd"], made["as_of"]) == ("Nebius", 0.7, "2026-11-30")
    found = client.get("/api/v1/spending/prices").json()
    assert [one["id"] for one in found["entered"]] == [made["id"]]
    assert {"gpt-4.1", "gpt-4o-mini"} <= {one["base_model"] for one in found["published"]}
    assert client.delete(f"/api/v1/spending/prices/{made['id']}").status_code == 204
    assert client.delete(f"/api/v1/spending/prices/{made['id']}").status_code == 404


def test_only_an_admin_changes_budgets_and_prices(open_api, new_key) -> None:
    reader = open_api(key=new_key("read"))
    assert reader.get("/api/v1/spending").status_code == 200
    assert reader.put("/api/v1/spending/budgets/studio", json={"limit_usd": 1}).status_code == 403
    assert reader.delete("/api/v1/spending/prices/price_1").status_code == 403


def test_a_job_that_a_budget_refuses_is_started_with_a_reason_in_a_header(
    open_api, new_key, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SFT_PRICE_PER_HOUR", "3600")
    monkeypatch.setenv("SFT_CURRENCY", "USD")
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    client = open_api(key=new_key("admin"))
    budgets.set_budget("training", 0.01)
    base = f"local:{make_model(tmp_path / 'tiny')}"
    body = {"dataset_id": make_dataset().id, "base_model": base, "training": {"num_epochs": 1}}
    refused = client.post("/api/v1/jobs", json=body)
    assert (refused.status_code, refused.json()["code"]) == (402, "budget_reached")
    assert "Budget-Override-Reason" in refused.json()["remedy"]
    assert client.get("/api/v1/jobs").json()["data"] == []
    made = client.post("/api/v1/jobs", json=body, headers={"Budget-Override-Reason": "The customer waits."})
    assert made.status_code == 201, made.text
    (work,) = client.get("/api/v1/spending").json()["works"]
    assert (work["override_reason"], work["person"]) == ("The customer waits.", "Test")
    assert (work["what_id"], work["provider"], work["state"]) == (made.json()["task_id"], "Local", "open")
    assert work["low_usd"] <= work["amount_usd"]
    assert tasks.get_task(work["what_id"]).person == ""  # a program's: its notices are for everyone
    table = client.get("/api/v1/spending/works.csv").text.splitlines()
    assert len(table) == 2
    assert "The customer waits." in table[1]
    assert client.get("/api/v1/spending", params={"month": "never"}).status_code == 400


def test_the_cost_of_a_hosted_job_is_estimated_before_anything_is_sent(client) -> None:
    server = OpenAiService()
    try:
        connections.save(name="Hosted", kind="openai", base_url=server.url, key=KEY, training="openai")
        asked = {"connection": "hosted", "base_model": "gpt-4.1-mini-2025-04-14", "dataset_id": make_dataset().id}
        found = client.post("/api/v1/jobs/estimate", json={**asked, "hyperparameters": {"n_epochs": 3}})
        assert found.status_code == 200, found.text
        estimate = found.json()["hosted_cost"]
        assert estimate["epochs"] == [3, 3]
        assert estimate["low_usd"] < estimate["tokens"] * 3 * 5 / 1e6 < estimate["high_usd"]
        assert (estimate["price_usd"], estimate["as_of"], estimate["exact"]) == (5, "2026-05-31", False)
        assert {call.method for call in server.calls} == {"GET"}
    finally:
        server.close()
    connections.save(name="Chat only", kind="openai", base_url="https://llm.example.org/v1")
    assert client.post("/api/v1/jobs/estimate", json={**asked, "connection": "Chat only"}).status_code == 400
