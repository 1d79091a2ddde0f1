"""The use cases under /api/v1: uploads, datasets, jobs, models, base models, chats."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.data import samples
from core.models import base_models
from core.services.data import datasets, sources
from core.services.platform import tasks
from core.services.training import jobs
from tests.api.test_fine_tuning import lines
from tests.support import runs
from worker.run import execute

TABLE = b"question,answer\n" + b"".join(b"What is %d?,It is %d.\n" % (n, n) for n in range(30))


def finished(response: Any) -> dict[str, Any]:
    """The task of a response, worked on."""
    assert response.status_code == 202, response.text
    execute(response.json()["id"], "worker-of-the-test")
    task = tasks.get_task(response.json()["id"])
    assert task.state == "succeeded", task.error
    return task.result


def upload(client: Any, content: bytes, name: str, kind: str = "table") -> dict[str, Any]:
    made = client.post("/api/v1/uploads", params={"kind": kind}, files={"file": (name, content)})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def test_a_table_is_uploaded_converted_edited_and_exported(client) -> None:
    file = upload(client, TABLE, "faq.csv")
    assert client.get(f"/api/v1/uploads/{file['id']}").json() == file
    assert [one["id"] for one in client.get("/api/v1/uploads").json()["data"]] == [file["id"]]
    found = client.get(f"/api/v1/uploads/{file['id']}/analysis").json()
    assert {column["name"] for column in found["columns"]} == {"question", "answer"}
    made = finished(
        client.post("/api/v1/datasets/convert", json={"upload_id": file["id"], "name": "FAQ", "template": "qa"})
    )
    path = f"/api/v1/datasets/{made['dataset_id']}"
    data = client.get(path).json()
    assert (data["state"], data["version"]["examples"]) == ("validated", 30)
    page = client.get(f"{path}/examples", params={"limit": 10}).json()
    assert (len(page["data"]), page["total"], page["next"]) == (10, 30, 10)
    assert client.get(f"{path}/examples", params={"search": "What is 7?"}).json()["total"] == 1
    assert isinstance(client.get(f"{path}/findings").json(), list)
    operation = {"id": "drop_rows", "positions": [0, 1]}
    edit = {"operation": operation, "base_version_id": data["version"]["id"], "why": "Test"}
    edited = client.post(f"{path}/edits", json=edit)
    assert edited.status_code == 200, edited.text
    assert edited.json()["version"]["examples"] == 28
    assert client.post(f"{path}/edits", json=edit).json()["code"] == "conflict"
    assert client.post(f"{path}/undo").json()["version"]["examples"] == 30
    assert [one["number"] for one in client.get(f"{path}/versions").json()] == [3, 2, 1]
    restored = client.post(f"{path}/versions/{edited.json()['version']['id']}/restore").json()
    assert restored["version"]["examples"] == 28
    exported = client.get(f"{path}/export", params={"format": "jsonl"})
    assert len(exported.text.strip().splitlines()) == 28
    assert "attachment" in exported.headers["content-disposition"]
    assert finished(client.post(f"{path}/validate"))["state"] == "validated"
    assert client.patch(path, json={"archived": True}).json()["archived_at"]
    assert client.delete(path, params={"confirm": "wrong"}).status_code == 409
    assert client.delete(path, params={"confirm": "FAQ"}).status_code == 204
    assert client.get(path).status_code == 404


def test_labeled_examples_become_a_dataset_and_a_mix(client) -> None:
    file, held = upload(client, lines(), "a.jsonl"), upload(client, lines(5, 50), "b.jsonl")
    body = {"upload_id": file["id"], "name": "A", "validation_upload_id": held["id"]}
    made = finished(client.post("/api/v1/datasets", json=body))
    version = datasets.get_dataset(made["dataset_id"]).version
    assert (version.train_examples, version.validation_examples) == (20, 5)
    mixed = finished(client.post("/api/v1/datasets/mix", json={"name": "Mix", "parts": {version.id: 2.0}}))
    assert datasets.get_dataset(mixed["dataset_id"]).version.examples > version.examples
    other = client.get(f"/api/v1/datasets/{mixed['dataset_id']}/examples", params={"version": version.id})
    assert other.status_code == 404


def test_conversations_are_imported(client) -> None:
    log = (Path(samples.__file__).parent / "shop_chats.csv").read_bytes()
    file = upload(client, log, "chats.csv", "conversations")
    made = finished(
        client.post("/api/v1/datasets/import-from-conversations", json={"upload_id": file["id"], "name": "Chats"})
    )
    assert datasets.get_dataset(made["dataset_id"]).version.examples > 0
    wrong = client.post(
        "/api/v1/datasets/import-from-conversations",
        json={"upload_id": file["id"], "name": "Other", "recipe": {"roles": 7}},
    )
    assert (wrong.status_code, wrong.json()["field"]) == (400, "roles")


def test_a_file_arrives_in_parts(client) -> None:
    begun = client.post("/api/v1/uploads/parts", json={"filename": "faq.csv"}).json()
    path = f"/api/v1/uploads/parts/{begun['id']}"
    half = len(TABLE) // 2
    assert client.put(f"{path}/2", content=TABLE[half:]).json()["parts"] == [2]
    early = client.post(f"{path}/complete")
    assert (early.status_code, early.json()["code"]) == (400, "part_missing")
    client.put(f"{path}/1", content=b"wrong")
    assert client.put(f"{path}/1", content=TABLE[:half]).json()["parts"] == [1, 2]
    assert client.get(path).json()["size_bytes"] == len(TABLE)
    made = client.post(f"{path}/complete").json()
    assert sources.local_path(made["id"]).read_bytes() == TABLE
    assert client.get(path).status_code == 404
    again = client.post("/api/v1/uploads/parts", json={"filename": "../../x"}).json()
    assert client.delete(f"/api/v1/uploads/parts/{again['id']}").status_code == 204
    assert client.get("/api/v1/uploads/parts/%2e%2e").status_code == 404
    assert client.put(f"{path}/0", content=b"x").status_code == 400


def test_a_job_is_estimated_created_watched_and_changed(client) -> None:
    data = runs.dataset()
    body = {"dataset_id": "Support", "method": "lora", "method_config": {"rank": 4}, "training": {"num_epochs": 2}}
    estimate = client.post("/api/v1/jobs/estimate", json=body).json()
    assert estimate["training"]["num_epochs"] == 2
    assert estimate["sources"]
    made = client.post("/api/v1/jobs", json={**body, "name": "Mine"})
    assert made.status_code == 201
    job = jobs.get_job(made.json()["id"])
    assert (job.dataset_id, job.spec.method_config["rank"], job.num_epochs) == (data.id, 4, 2)
    path = f"/api/v1/jobs/{job.id}"
    started = runs.launch(data, "Running")
    runs.begin(started, 5)
    points = client.get(f"/api/v1/jobs/{started.id}/metrics").json()
    assert points[-1]["step"] == 5
    newer = client.get(f"/api/v1/jobs/{started.id}/metrics", params={"since": points[-2]["id"]}).json()
    assert [point["id"] for point in newer] == [points[-1]["id"]]
    assert client.get(f"/api/v1/jobs/{started.id}/metrics.csv").text.startswith("split,step,")
    assert isinstance(client.get(f"{path}/log").json(), list)
    assert client.get(f"{path}/events").json()[0]["kind"] == "state"
    assert client.patch(path, json={"name": "Yours"}).json()["name"] == "Yours"
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert client.patch(path, json={"archived": True}).json()["archived_at"]
    assert client.delete(path, params={"confirm": "Yours"}).status_code == 204


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"dataset_id": "nothing"}, 404, None),
        ({"training": {"num_epochs": 0}}, 400, "training.num_epochs"),
        ({"training": {"speed": 1}}, 400, "training.speed"),
        ({"method_config": {"rank": -1}}, 400, None),
        ({"base_model": "nothing"}, 404, None),
        ({"dataset_id": 7}, 400, "dataset_id"),
    ],
)
def test_a_wrong_job_is_named(client, change: dict[str, Any], status: int, field: str | None) -> None:
    runs.dataset()
    refused = client.post("/api/v1/jobs", json={"dataset_id": "Support", **change})
    assert refused.status_code == status, refused.text
    problem = refused.json()
    assert problem["detail"]
    assert problem["status"] == status
    assert field is None or problem["field"].startswith(field)
    assert refused.headers["content-type"] == "application/problem+json"


def test_models_are_deployed_archived_and_downloaded(client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path)
    path = f"/api/v1/models/{model.id}"
    assert client.post(f"{path}/archive").json()["state"] == "archived"
    assert client.get("/api/v1/models").json()["data"] == []
    assert client.get("/api/v1/models", params={"archived": True}).json()["data"][0]["id"] == model.id
    refused = client.post(f"{path}/deploy")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), "its base was not built"
    assert client.get(path).json()["state"] == "archived"
    ready = replace(base_models.resolve("starter"), ready=True)
    monkeypatch.setattr(base_models, "resolve", lambda _: ready)
    deployed = client.post(f"{path}/deploy").json()
    assert deployed["model"]["state"] == "active"
    assert deployed["base_url"].endswith("/v1")
    assert set(deployed["names"]) == {model.id, model.name, "support-starter-v1"}
    changed = client.patch(path, json={"name": "Other", "notes": "Good."}).json()
    assert (changed["name"], changed["notes"]) == ("Other", "Good.")
    assert {one["id"] for one in client.get(f"{path}/formats").json()} >= {"adapter"}
    assert client.get(f"{path}/download", params={"format": "nothing"}).status_code == 404
    assert client.delete(path, params={"confirm": "Other"}).status_code == 204


def test_base_models_and_methods_are_listed(client) -> None:
    bases = client.get("/api/v1/base-models").json()
    assert "starter" in {base["id"] for base in bases}
    assert client.get("/api/v1/base-models/starter").json()["id"] == "starter"
    assert client.get("/api/v1/base-models/nothing").status_code == 404
    assert "rank" in client.get("/api/v1/methods/lora").json()["settings"]["properties"]
    assert {method["id"] for method in client.get("/api/v1/methods").json()} >= {"lora", "full"}


def test_chats_are_listed_renamed_and_deleted(client) -> None:
    from core.services.serving import conversations
    from core.serving.conversations import store

    chat_id = conversations.new_conversation_id()
    from core.platform.db.uow import UnitOfWork

    with UnitOfWork() as uow:
        store.create(uow, chat_id, "Refunds")
        uow.commit()
    assert client.get("/api/v1/chats").json()["data"][0]["title"] == "Refunds"
    path = f"/api/v1/chats/{chat_id}"
    assert client.patch(path, json={"title": "Returns"}).json()["title"] == "Returns"
    refused = client.post(f"{path}/messages", json={"text": "Hello", "model": "nothing"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert json.loads(client.get(path).text)["status"] == 404


def test_chats_are_filtered_and_agents_answer_them(client, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.services.serving import agents, feedback
    from tests.support.talking import finished, talking

    with talking(monkeypatch, any_model=True) as talker:
        agent = agents.create(name="Help desk", model="starter", system="Be kind.")
        asked = {"text": "Hello", "model": "agent:help-desk"}
        begun = client.post("/api/v1/chats", json=asked).json()
        assert begun["agent_id"] == agent.id
        first = finished(begun["id"])
        assert talker.asked[0][0]["content"] == "Be kind."
        refused = client.post("/api/v1/chats", json={**asked, "temperature": 1.0})
        assert (refused.status_code, refused.json()["field"]) == (400, "temperature")
        second = finished(client.post("/api/v1/chats", json={"text": "Bye", "model": "starter"}).json()["id"])
    feedback.rate(first.id, first.last_id, thumb=-1, reasons=["incorrect"])

    def found(**filters) -> list[str]:
        answer = client.get("/api/v1/chats", params=filters)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["data"]]

    assert found() == [second.id, first.id]
    assert found(agent="help-desk") == found(rating="bad") == found(reason="incorrect") == [first.id]
    assert found(agent="none") == found(search="bye", model="starter") == [second.id]
    assert found(origin="api") == found(until=first.created_at) == []
    assert found(since=first.created_at, limit=1) == [second.id]
    page = client.get("/api/v1/chats", params={"limit": 1}).json()
    assert (page["total"], page["next"], page["data"][0]["turns"]) == (2, 1, 2)
    assert client.get("/api/v1/chats", params={"rating": "great"}).json()["field"] == "rating"
    assert client.get("/api/v1/chats", params={"agent": "nobody"}).status_code == 404
