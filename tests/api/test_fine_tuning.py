"""Files become datasets, and jobs are the studio's jobs, in OpenAI's shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.platform import entry, event_stream
from core.services.data import datasets, training_files
from core.services.platform import tasks
from core.services.training import jobs, models
from tests.support import openai_contract, runs
from worker.run import execute

Fits = Callable[[str, object], None]


@pytest.fixture
def fits(request: pytest.FixtureRequest) -> Fits:
    """`fits("FineTuningJob", body)`: that a body has the shape of OpenAI's description."""
    folder: Path = request.getfixturevalue("real_data")

    def check(schema: str, body: object) -> None:
        assert openai_contract.problems(folder, schema, body) == []

    return check


def lines(count: int = 20, first: int = 0) -> bytes:
    made = [
        {"messages": [{"role": "user", "content": f"What is {n}?"}, {"role": "assistant", "content": f"It is {n}."}]}
        for n in range(first, first + count)
    ]
    return "\n".join(json.dumps(example) for example in made).encode()


def upload(client, content: bytes | None = None, name: str = "faq.jsonl", **form: str):
    return client.post("/v1/files", files={"file": (name, content or lines())}, data={"purpose": "fine-tune", **form})


def imported(client, content: bytes | None = None, name: str = "faq.jsonl") -> dict[str, Any]:
    """A file whose import has ended."""
    file = upload(client, content, name).json()
    execute(tasks.list_about("import", source_id=file["id"])[0].id, "worker-of-the-test")
    found: dict[str, Any] = client.get(f"/v1/files/{file['id']}").json()
    return found


def create(client, file_id: str, **fields: Any):
    return client.post("/v1/fine_tuning/jobs", json={"model": "starter", "training_file": file_id, **fields})


def test_a_file_is_uploaded_imported_listed_read_and_deleted(client) -> None:
    first = upload(client).json()
    assert first["status"] == "uploaded"
    file = imported(client, name="other.jsonl")
    assert (file["status"], file["purpose"], file["bytes"]) == ("processed", "fine-tune", len(lines()))
    assert datasets.get_dataset(file["dataset"]).version.examples == 20
    listed = client.get("/v1/files", params={"limit": 1}).json()
    assert ([one["id"] for one in listed["data"]], listed["has_more"]) == ([file["id"]], True)
    rest = client.get("/v1/files", params={"after": listed["last_id"]}).json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([first["id"]], False)
    assert client.get(f"/v1/files/{file['id']}/content").content == lines()
    busy = client.delete(f"/v1/files/{first['id']}")
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "conflict")
    assert client.delete(f"/v1/files/{file['id']}").json() == {"id": file["id"], "object": "file", "deleted": True}
    assert client.get(f"/v1/files/{file['id']}").status_code == 404
    assert datasets.get_dataset(file["dataset"]).state == "validated"


@pytest.mark.parametrize(
    ("content", "form", "field"),
    [
        (b"", {}, None),
        (b'{"a": 1}\n', {}, "file"),
        (b'{"messages": [{"role": "user", "content": "x"}]}\n', {}, "file"),
        (lines(), {"purpose": "batch"}, "purpose"),
        (lines(), {"expires_after[seconds]": "3600"}, "expires_after"),
    ],
)
def test_a_wrong_file_is_refused_and_not_kept(client, content: bytes, form: dict[str, str], field: str | None) -> None:
    refused = client.post("/v1/files", files={"file": ("a.jsonl", content)}, data={"purpose": "fine-tune", **form})
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"] == field
    assert training_files.list_files() == []


def test_a_form_without_a_file_and_one_that_is_too_large(client, monkeypatch) -> None:
    assert client.post("/v1/files", data={"purpose": "fine-tune"}).status_code == 400
    monkeypatch.setattr(entry, "UPLOAD_BYTES", 1_000)
    assert upload(client, lines(100)).status_code == 413
    chunked = client.post(
        "/v1/files",
        content=(b"x" * 100 for _ in range(50)),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert chunked.status_code == 413


def test_a_job_is_created_from_a_file_and_listed(client) -> None:
    file = imported(client)
    asked = {
        "suffix": "Support",
        "seed": 7,
        "metadata": {"team": "help desk"},
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.5}},
        },
        "studio": {"method_config": {"rank": 4}, "training": {"warmup_ratio": 0.2}},
    }
    made = create(client, file["id"], **asked).json()
    job = jobs.get_job(made["id"])
    assert job.name == "Support"
    assert job.dataset_id == file["dataset"]
    spec = job.spec
    assert (spec.training.num_epochs, spec.training.effective_batch_size, spec.training.seed) == (3, 4, 7)
    assert (spec.method_config["rank"], spec.training.warmup_ratio) == (4, 0.2)
    assert made["hyperparameters"] == {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.5}
    assert (made["training_file"], made["metadata"], made["status"]) == (file["id"], {"team": "help desk"}, "queued")
    legacy = create(client, file["dataset"], hyperparameters={"n_epochs": 2}).json()
    assert legacy["hyperparameters"]["n_epochs"] == 2
    assert legacy["hyperparameters"]["learning_rate_multiplier"] == "auto"
    page = client.get("/v1/fine_tuning/jobs", params={"limit": 1}).json()
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([legacy["id"]], True)
    rest = client.get("/v1/fine_tuning/jobs", params={"after": legacy["id"]}).json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([made["id"]], False)


def test_a_validation_file_becomes_the_validation_part(client) -> None:
    training, held = imported(client), imported(client, lines(5, first=100), "held.jsonl")
    import_later(training["id"], held["id"])
    made = create(client, training["id"], validation_file=held["id"]).json()
    assert (made["training_file"], made["validation_file"]) == (training["id"], held["id"])
    version = datasets.get_dataset(jobs.get_job(made["id"]).dataset_id).version
    assert (version.train_examples, version.validation_examples) == (20, 5)


def import_later(training_id: str, validation_id: str) -> None:
    """Import the pair as a worker does while the request waits."""
    task = datasets.create_from_source(training_id, "Pair", validation_source_id=validation_id)
    execute(task.id, "worker-of-the-test")


def test_the_same_idempotency_key_creates_one_job(client) -> None:
    file = imported(client)
    body = {"model": "starter", "training_file": file["id"]}
    keys = ("a", "a", "b")
    ids = [client.post("/v1/fine_tuning/jobs", json=body, headers={"Idempotency-Key": k}).json()["id"] for k in keys]
    other = client.post("/v1/fine_tuning/jobs", json={**body, "seed": 9}, headers={"Idempotency-Key": keys[0]})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"training_file": "file-nothing"}, 404, "training_file"),
        ({"model": "gpt-4o-mini"}, 404, None),
        ({"method": {"type": "dpo"}}, 400, "method.type"),
        ({"integrations": [{"type": "wandb"}]}, 400, "integrations"),
        ({"hyperparameters": {"n_epochs": 0}}, 400, None),
        ({"studio": {"method": "magic"}}, 400, None),
        ({"studio": {"training": {"speed": 1}}}, 400, None),
        ({"metadata": {"a": "b\nc"}}, 400, "metadata"),
        ({"suffix": ""}, 400, "suffix"),
    ],
)
def test_a_wrong_job_is_refused(client, fields: dict[str, Any], status: int, field: str | None) -> None:
    data = runs.dataset()
    body = {"model": "starter", "training_file": data.id, **fields}
    refused = client.post("/v1/fine_tuning/jobs", json=body)
    assert refused.status_code == status, refused.text
    error = refused.json()["error"]
    assert error["message"]
    assert field is None or error["param"] == field
    assert jobs.list_jobs() == []


def test_a_job_is_followed_paused_resumed_and_cancelled(client) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    running = client.get(f"/v1/fine_tuning/jobs/{job.id}").json()
    assert (running["status"], running["fine_tuned_model"]) == ("running", None)
    events = client.get(f"/v1/fine_tuning/jobs/{job.id}/events", params={"limit": 1_000}).json()["data"]
    assert {event["type"] for event in events} == {"message", "metrics"}
    assert [event["created_at"] for event in events] == sorted((event["created_at"] for event in events), reverse=True)
    newest = next(event for event in events if "train_loss" in event["data"])
    assert newest["data"]["step"] == 10
    page = client.get(f"/v1/fine_tuning/jobs/{job.id}/events", params={"after": events[2]["id"], "limit": 2}).json()
    assert [event["id"] for event in page["data"]] == [event["id"] for event in events[3:5]]
    assert client.get(f"/v1/fine_tuning/jobs/{job.id}/checkpoints").json()["data"] == []
    waiting = runs.launch(runs.dataset("Second"), "Second")
    cancelled = client.post(f"/v1/fine_tuning/jobs/{waiting.id}/cancel").json()
    assert cancelled["status"] == "cancelled"
    refused = client.post(f"/v1/fine_tuning/jobs/{waiting.id}/resume")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "invalid_state")
    assert client.post(f"/v1/fine_tuning/jobs/{job.id}/pause").status_code == 200


def test_events_are_streamed_to_the_end(client, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(event_stream, "POLL_S", 0.01)
    job = runs.launch(runs.dataset(), num_epochs=3)
    model = runs.succeed(job, tmp_path)
    assert job.total_steps < 1_000
    streamed = client.get(f"/v1/fine_tuning/jobs/{job.id}/events", params={"stream": True})
    parts = [part.removeprefix("data: ") for part in streamed.text.strip().split("\n\n")]
    assert parts[-1] == "[DONE]"
    listed = client.get(f"/v1/fine_tuning/jobs/{job.id}/events", params={"limit": 1_000}).json()["data"]
    assert [json.loads(part)["id"] for part in parts[:-1]] == [event["id"] for event in listed[::-1]]
    done = client.get(f"/v1/fine_tuning/jobs/{job.id}").json()
    assert (done["status"], done["fine_tuned_model"]) == ("succeeded", model.id)
    assert client.get(f"/v1/models/{model.id}").json()["id"] == model.id
    (figures,) = done["result_files"]
    assert client.get(f"/v1/files/{figures}").json()["purpose"] == "fine-tune-results"
    assert client.get(f"/v1/files/{figures}/content").text.startswith("split,step,")


def test_every_listed_checkpoint_is_a_model_that_answers(client, tmp_path: Path) -> None:
    job = runs.launch(runs.dataset(), num_epochs=3)
    path = f"/v1/fine_tuning/jobs/{job.id}/checkpoints"
    context = runs.begin(job, 10)
    context.event("checkpoint", "Checkpoint saved at step 4.", data={"step": 4})
    assert client.get(path).json()["data"] == []
    model = runs.finish(context, job, tmp_path, kept_step=10)
    (saved,) = client.get(path).json()["data"]
    assert (saved["step_number"], saved["fine_tuned_model_checkpoint"]) == (10, model.id)
    assert saved["metrics"]["train_loss"] > 0
    assert client.get(f"/v1/models/{saved['fine_tuned_model_checkpoint']}").status_code == 200
    assert client.get(path, params={"after": saved["id"]}).json()["data"] == []
    models.archive([model.id])
    assert client.get(path).json()["data"] == []


def test_a_failed_job_says_why(client) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 2), "Memory ran out.", "Choose a smaller batch.")
    error = client.get(f"/v1/fine_tuning/jobs/{job.id}").json()["error"]
    assert error == {"code": "out_of_memory", "message": "Memory ran out. Choose a smaller batch.", "param": None}


def test_a_lost_import_says_what_to_do(client, monkeypatch) -> None:
    monkeypatch.setattr(training_files, "WAIT_S", 0.0)
    file = upload(client).json()
    late = create(client, file["id"])
    assert (late.status_code, late.json()["error"]["param"]) == (409, "training_file")
    (task,) = tasks.list_about("import", source_id=file["id"])
    tasks.request(task.id, "cancel")
    assert client.get(f"/v1/files/{file['id']}").json()["status"] == "error"


def test_the_shapes_are_openais(client, fits: Fits, tmp_path: Path) -> None:
    fits("OpenAIFile", upload(client).json())
    file = imported(client, name="other.jsonl")
    fits("OpenAIFile", file)
    fits("ListFilesResponse", client.get("/v1/files").json())
    job = runs.launch(runs.dataset())
    path = f"/v1/fine_tuning/jobs/{job.id}"
    fits("FineTuningJob", client.get(path).json())
    fits("FineTuningJob", create(client, file["id"], hyperparameters={"learning_rate_multiplier": 0.5}).json())
    runs.succeed(job, tmp_path)
    fits("FineTuningJob", client.get(path).json())
    fits("ListPaginatedFineTuningJobsResponse", client.get("/v1/fine_tuning/jobs").json())
    fits("ListFineTuningJobEventsResponse", client.get(f"{path}/events").json())
    fits("ListFineTuningJobCheckpointsResponse", client.get(f"{path}/checkpoints").json())
    fits("DeleteFileResponse", client.delete(f"/v1/files/{file['id']}").json())
    fits("ListModelsResponse", client.get("/v1/models").json())
    fits("ErrorResponse", client.get("/v1/models/nothing").json())
