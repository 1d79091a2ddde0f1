"""What all of `/api` shares: pages, ETags, idempotency, the description and its page, the first product's names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from api.platform import event_stream
from core.models.methods import METHODS
from core.platform.db.tables import API_REQUESTS
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.data import datasets
from core.services.data.datasets.operations import OPERATIONS
from core.services.platform import api_keys, idempotency, sign_in, tasks
from core.services.training import jobs
from tests.support import runs


@pytest.mark.parametrize("kind", ["datasets", "jobs", "tasks"])
def test_a_list_is_read_page_by_page(client, kind: str) -> None:
    for number in range(3):
        runs.launch(runs.dataset(f"Data {number}"), f"Job {number}")
    every = client.get(f"/api/v1/{kind}").json()["data"]
    assert len(every) >= 3
    read, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/{kind}", params={"limit": 2, "after": cursor}).json()
        assert len(page["data"]) <= 2
        read += page["data"]
        cursor = page["next"]
    assert [one["id"] for one in read] == [one["id"] for one in every]
    wrong = client.get(f"/api/v1/{kind}", params={"after": "nothing"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "cursor")


def test_a_record_has_an_etag(client) -> None:
    data = runs.dataset()
    path = f"/api/v1/datasets/{data.id}"
    first = client.get(path)
    tag = first.headers["etag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.patch(path, json={"name": "Renamed"}, headers={"If-Match": tag}).json()["name"] == "Renamed"
    late = client.patch(path, json={"name": "Lost"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "changed")
    assert client.get(path).json()["name"] == "Renamed"
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_post_with_an_idempotency_key_has_one_effect(client) -> None:
    data = runs.dataset()
    body = {"dataset_id": data.id, "name": "Once"}

    def post(key: str, name: str = "Once"):
        return client.post("/api/v1/jobs", json={**body, "name": name}, headers={"Idempotency-Key": key})

    first, second = post("a"), post("a")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(jobs.list_jobs()) == 1
    other = post("a", "Other")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    failed = client.post("/api/v1/jobs", json={"dataset_id": "nothing"}, headers={"Idempotency-Key": "b"})
    assert failed.status_code == 404
    assert post("b").status_code == 201, "a request that failed may be sent again"
    idempotency.begin("c", "hash")
    with pytest.raises(Exception, match="still being answered"):
        idempotency.begin("c", "hash")


def test_a_new_key_is_not_stored_with_the_response_that_shows_it(open_api, new_key) -> None:
    client = open_api(key=new_key("admin"))

    def post():
        body = {"name": "Program", "scopes": ["read"]}
        return client.post("/api/v1/keys", json=body, headers={"Idempotency-Key": "one"})

    made, again = post(), post()
    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 409, "shown_once")
    assert len(api_keys.list_keys()) == 2
    with UnitOfWork() as uow:
        (stored,) = uow.execute(API_REQUESTS.select()).all()
    assert made.json()["key"] not in str(stored)


def test_the_description_has_the_settings_of_the_forms(client) -> None:
    described = client.get("/api/openapi.json").json()
    schemas = described["components"]["schemas"]
    assert set(METHODS.ids()) | set(OPERATIONS.ids()) <= set(schemas)
    asked = schemas["NewJob"]["properties"]["method_config"]["anyOf"]
    assert {"$ref": "#/components/schemas/lora"} in asked
    assert schemas["TrainingConfig"]["properties"]["num_epochs"]["title"] == "Epochs"
    text = json.dumps(described)
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in schemas, name
    assert {"/api/v1/jobs", "/v1/chat/completions", "/fine-tuning/jobs/estimate-cost"} <= set(described["paths"])


def test_every_parameter_of_a_path_is_read(client) -> None:
    for path, operations in client.get("/api/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            read = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert read == set(re.findall(r"\{(\w+)\}", path)), (method, path)


def test_the_docs_page_opens_in_a_browser_of_this_machine(open_api, new_key, monkeypatch) -> None:
    new_key("admin")
    for path in ("/api/docs", "/api/docs/start.js", "/api/openapi.json"):
        assert open_api().get(path).status_code == 200
        assert open_api("0.0.0.0").get(path).status_code == 401
    assert open_api().get("/api/v1/jobs").status_code == 401
    monkeypatch.setattr(sign_in, "state", lambda *_: sign_in.SignIn(True))
    assert open_api().get("/api/docs").status_code == 401


def test_the_docs_page_loads_nothing_from_elsewhere(client) -> None:
    page = client.get("/api/docs")
    assert "://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png", "start.js"):
        assert f"/api/docs/{name}" in page.text
        assert client.get(f"/api/docs/{name}").status_code == 200
    assert client.get("/api/docs/../../../etc/passwd").status_code == 404
    assert client.get("/api/docs/nothing.js").status_code == 404


def test_keys_are_managed_by_an_admin(open_api, new_key) -> None:
    admin = open_api(key=new_key("admin"))
    made = admin.post("/api/v1/keys", json={"name": "Bot", "scopes": ["read"], "days": 3})
    assert made.status_code == 201
    key = made.json()["key"]
    assert open_api(key=key).get("/api/v1/jobs").status_code == 200
    assert open_api(key=key).get("/api/v1/keys").status_code == 403
    listed = admin.get("/api/v1/keys")
    assert key not in listed.text
    assert {one["name"] for one in listed.json()} == {"Bot", "Test"}
    assert admin.delete(f"/api/v1/keys/{made.json()['record']['id']}").json()["state"] == "revoked"
    assert open_api(key=key).get("/api/v1/jobs").status_code == 401
    assert admin.post("/api/v1/keys", json={"name": "", "scopes": ["read"]}).json()["field"] == "name"
    assert len(api_keys.list_keys()) == 1


def test_tasks_are_followed_and_acted_on(client, monkeypatch) -> None:
    monkeypatch.setattr(event_stream, "POLL_S", 0.01)
    job = runs.launch(runs.dataset())
    path = f"/api/v1/tasks/{job.task_id}"
    assert client.get(path).json()["state"] == "pending"
    assert client.post(f"{path}/pause").status_code == 409
    assert client.post(f"{path}/explode").status_code == 400
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    seen = client.get(f"{path}/events").json()
    assert [event["id"] for event in client.get(f"{path}/events", params={"since": seen[0]["id"]}).json()] == [
        event["id"] for event in seen[1:]
    ]
    streamed = client.get(f"{path}/events", params={"stream": True}).text
    assert streamed.count("event: event") == len(seen)
    assert f"id: {seen[-1]['id']}" in streamed
    assert client.get("/api/v1/tasks/nothing").json()["code"] == "not_found"


def test_the_names_of_the_first_product_answer(client, tmp_path: Path) -> None:
    data = runs.dataset()
    job = runs.launch(data)
    assert client.get("/fine-tuning/datasets").json()["data"][0]["id"] == data.id
    assert client.post(f"/fine-tuning/datasets/{data.id}/validate").json()["kind"] == "validation"
    assert client.get(f"/fine-tuning/datasets/{data.id}").json()["id"] == data.id
    assert client.get("/fine-tuning/jobs").json()["data"][0]["id"] == job.id
    assert client.get(f"/fine-tuning/jobs/{job.id}").json()["id"] == job.id
    assert client.post("/fine-tuning/jobs/estimate-cost", json={"dataset_id": data.id}).json()["forecast"]
    model = runs.succeed(runs.launch(data, "Second"), tmp_path)
    assert client.get("/fine-tuning/models").json()["data"][0]["id"] == model.id
    assert client.post(f"/fine-tuning/models/{model.id}/archive").json()["state"] == "archived"
    assert client.post(f"/fine-tuning/jobs/{job.id}/cancel").json()["state"] == "cancelled"
    refused = client.post("/fine-tuning/datasets/import-from-conversations", json={"upload_id": "x", "name": "y"})
    assert refused.status_code == 404
    assert datasets.get_dataset(data.id).name == data.name
    assert store.get(job.task_id).state == "cancelled"
    assert tasks.get_task(job.task_id).is_terminal
