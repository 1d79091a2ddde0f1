"""`/api/v1/agents`: created, changed with an ETag, rolled back, deployed to, deleted; what a key may do there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.talking import talking, tuned

AGENTS = "/api/v1/agents"


@pytest.fixture
def model(studio_env: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A model that can answer."""
    with talking(monkeypatch):
        yield tuned(tmp_path / "one", "First")


def test_an_agent_from_its_creation_to_its_end(client, model, tmp_path: Path) -> None:
    second = tuned(tmp_path / "two", "Second")
    body = {"name": "Support", "model": "First", "system": "Be kind.", "settings": {"max_tokens": 64}}
    made = client.post(AGENTS, json=body).json()
    assert (made["model"], made["version"]["number"], made["version"]["model_id"]) == ("agent:support", 1, model.id)
    first = client.get(f"{AGENTS}/support")
    change = {"system": "Be brief.", "split": {"model": second.id, "share": 0.1}, "note": "Shorter", "name": "Help"}
    changed = client.patch(f"{AGENTS}/support", json=change, headers={"If-Match": first.headers["etag"]}).json()
    assert (changed["name"], changed["version"]["number"], changed["version"]["note"]) == ("Help", 2, "Shorter")
    assert changed["version"]["split"] == {"model_id": second.id, "share": 0.1}
    late = client.patch(f"{AGENTS}/support", json=change, headers={"If-Match": first.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (412, "changed")
    assert [one["number"] for one in client.get(f"{AGENTS}/support/versions").json()] == [2, 1]
    found = client.get(f"{AGENTS}/support/diff", params={"before": 1, "after": 2}).json()
    assert [(one["field"], one["after"]) for one in found] == [("system", "Be brief."), ("split", "10% to Second")]
    back = client.post(f"{AGENTS}/support/rollback", params={"to": 1}).json()
    assert (back["version"]["number"], back["version"]["system"], back["version"]["split"]) == (3, "Be kind.", None)
    body = {"model": "Second", "agents": ["support"], "reason": "Better on tickets."}
    deployed = client.post(f"{AGENTS}/deploy", json=body).json()[0]["version"]
    assert (deployed["model_id"], deployed["note"]) == (second.id, "“Second” deployed. Better on tickets.")
    used = client.post(f"/api/v1/models/{second.id}/archive")
    assert (used.status_code, "“Help”" in used.json()["detail"]) == (409, True)
    assert client.patch(f"{AGENTS}/support", json={"fallback": model.id}).status_code == 200
    assert [one["name"] for one in client.post(f"/api/v1/models/{second.id}/move_agents").json()] == ["Help"]
    assert client.post(f"/api/v1/models/{second.id}/archive").json()["state"] == "archived"
    assert client.delete(f"{AGENTS}/support", params={"confirm": "Help"}).status_code == 204
    assert client.get(AGENTS).json()["data"] == []


def test_what_a_key_may_do_with_agents(open_api, new_key, model) -> None:
    reader, server = (open_api(key=new_key(scope)) for scope in ("read", "serve"))
    body = {"name": "Support", "model": model.id}
    assert reader.post(AGENTS, json=body).status_code == 403
    made = server.post(AGENTS, json=body).json()
    assert made["version"]["author"] == "Test"
    assert reader.get(f"{AGENTS}/{made['id']}").json()["handle"] == "support"
    assert reader.patch(f"{AGENTS}/support", json={"name": "x"}).status_code == 403


def test_a_wrong_value_of_an_agent_names_its_field(client, model) -> None:
    wrong = client.post(AGENTS, json={"name": "Support", "model": "nothing"})
    assert (wrong.status_code, "does not exist" in wrong.json()["detail"]) == (400, True)
    assert client.post(AGENTS, json={"name": "S", "model": model.id, "settings": {"warmth": 1}}).status_code == 400
