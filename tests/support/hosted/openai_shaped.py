"""The recorded shape that OpenAI, Azure, Nebius and Crusoe share; each names its own fields, statuses and limits."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.support.hosted.server import Bytes, Call, Refused, Service

HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")


class OpenAiShapedService(Service):
    """A service with files, jobs, events and checkpoints. `finish` moves a job on as the service would."""

    create_fields: tuple[str, ...] = (
        "model",
        "training_file",
        "validation_file",
        "hyperparameters",
        "suffix",
        "seed",
        "method",
        "metadata",
        "integrations",
    )
    hyperparameters: tuple[str, ...] = HYPERPARAMETERS
    longest_suffix = 64
    listed = ("suffix",)  # fields of a request that a job shows again
    models: tuple[dict[str, Any], ...] = ({"id": "base-1", "object": "model"}, {"id": "base-2", "object": "model"})
    pausable = True
    newest_first = True

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.checkpoints: dict[str, list[dict[str, Any]]] = {}
        super().__init__()

    def add_routes(self) -> None:
        base = self.base
        for method, path, handler in (
            ("GET", "models", self.list_models),
            ("POST", "files", self.upload),
            ("GET", "files", self.list_files),
            ("GET", "files/{file_id}", self.get_file),
            ("GET", "files/{file_id}/content", self.content),
            ("POST", "fine_tuning/jobs", self.create),
            ("GET", "fine_tuning/jobs", self.list_jobs),
            ("GET", "fine_tuning/jobs/{job_id}", self.get_job),
            ("POST", "fine_tuning/jobs/{job_id}/{action}", self.act),
            ("GET", "fine_tuning/jobs/{job_id}/events", self.list_events),
            ("GET", "fine_tuning/jobs/{job_id}/checkpoints", self.list_checkpoints),
        ):
            self.route(method, f"{base}/{path}", handler)

    def list_models(self, call: Call) -> Any:
        return {"object": "list", "data": list(self.models)}

    # --- files

    def upload(self, call: Call) -> Any:
        if call.form.get("purpose") != "fine-tune" or set(call.form) != {"purpose"} or set(call.files) != {"file"}:
            self.violate(f"form {sorted(call.form)} with files {sorted(call.files)}")
            raise Refused(400, "purpose must be fine-tune")
        name, data = call.files["file"]
        self.check_examples(data)
        return self.add_file(name, data)

    def check_examples(self, data: bytes) -> None:
        """What each service publishes about its files."""
        lines = data.splitlines()
        if len(lines) < 10:
            self.violate(f"a file with {len(lines)} examples")
            raise Refused(400, f"the file has {len(lines)} examples; at least 10 are needed")
        for line in lines:
            example = json.loads(line)
            self.only(example, "messages", "tools", "parallel_tool_calls", needs=("messages",))
            for message in example["messages"]:
                self.only(message, "role", "content", "name", "tool_calls", "tool_call_id", "weight", needs=("role",))

    def add_file(self, name: str, data: bytes, purpose: str = "fine-tune") -> dict[str, Any]:
        file_id = f"file-{len(self.files) + 1:04d}"
        self.contents[file_id] = data
        self.files[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": len(data),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        return self.files[file_id]

    def list_files(self, call: Call) -> Any:
        return _ends(self.page(call, list(self.files.values())))

    def get_file(self, call: Call, file_id: str) -> Any:
        if file_id not in self.files:
            raise Refused(404, f"No such File object: {file_id}", "not_found")
        return self.files[file_id]

    def content(self, call: Call, file_id: str) -> Any:
        self.get_file(call, file_id)
        return Bytes(self.contents[file_id])

    # --- jobs

    def create(self, call: Call) -> Any:
        body = call.json
        self.only(body, *self.create_fields, needs=("model", "training_file"))
        method = body.get("method") or {}
        self.only(method, "type", "supervised", needs=("type",))
        numbers = (method.get("supervised") or {}).get("hyperparameters") or {}
        self.only(numbers, *self.hyperparameters)
        if len(body.get("suffix") or "") > self.longest_suffix:
            self.violate(f"a suffix of {len(body['suffix'])} characters")
            raise Refused(400, "the suffix is too long")
        for name in ("training_file", "validation_file"):
            if body.get(name) and body[name] not in self.files:
                raise Refused(400, f"invalid {name}: {body[name]}", "invalid_file")
        if body["model"] not in [model["id"] for model in self.models]:
            raise Refused(400, f"Model {body['model']} is not available for fine-tuning", "model_not_available")
        self.check_create(body)
        job_id = f"ftjob-{len(self.jobs) + 1:04d}"
        self.jobs[job_id] = {
            "id": job_id,
            "object": "fine_tuning.job",
            "model": body["model"],
            "created_at": int(time.time()),
            "finished_at": None,
            "fine_tuned_model": None,
            "organization_id": "org-1",
            "result_files": [],
            "status": "validating_files",
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "hyperparameters": numbers,
            "trained_tokens": None,
            "error": None,
            "seed": body.get("seed", 0),
            "estimated_finish": None,
            "integrations": [],
            "method": method,
            **({"metadata": body["metadata"]} if "metadata" in body else {}),
            **{name: body[name] for name in self.listed if name in body},
        }
        self.events[job_id], self.checkpoints[job_id] = [], []
        self.event(job_id, "Created fine-tuning job")
        return self.jobs[job_id]

    def check_create(self, body: dict[str, Any]) -> None:
        """What only one service refuses."""

    def list_jobs(self, call: Call) -> Any:
        jobs = list(self.jobs.values())[::-1]
        for name, value in call.query.items():
            if name.startswith("metadata["):
                jobs = [job for job in jobs if (job.get("metadata") or {}).get(name[9:-1]) == value]
        return self.page(call, jobs)

    def get_job(self, call: Call, job_id: str) -> Any:
        if job_id not in self.jobs:
            raise Refused(404, f"Could not find fine tune: {job_id}", "fine_tune_not_found")
        return self.jobs[job_id]

    def act(self, call: Call, job_id: str, action: str) -> Any:
        job = self.get_job(call, job_id)
        if call.raw not in (b"", b"{}", b"null"):
            self.violate(f"{action} with a body")
        before = {
            "cancel": ("validating_files", "queued", "running", "paused"),
            "pause": ("running",),
            "resume": ("paused",),
        }
        if action not in before or (action != "cancel" and not self.pausable):
            raise Refused(404, f"Not found: {action}")
        if job["status"] not in before[action]:
            raise Refused(400, f"the job is {job['status']}", "invalid_state")
        job["status"] = {"cancel": "cancelled", "pause": "paused", "resume": "running"}[action]
        return job

    def list_events(self, call: Call, job_id: str) -> Any:
        self.get_job(call, job_id)
        events = self.events[job_id]
        return self.page(call, events[::-1] if self.newest_first else events)

    def list_checkpoints(self, call: Call, job_id: str) -> Any:
        self.get_job(call, job_id)
        found = _ends(self.page(call, self.checkpoints[job_id][::-1]))
        return found if found["data"] else {**found, "first_id": None, "last_id": None}

    def page(self, call: Call, entries: list[dict[str, Any]]) -> dict[str, Any]:
        after, limit = call.query.get("after"), int(call.query.get("limit", 20))
        ids = [entry["id"] for entry in entries]
        if after and after not in ids:
            raise Refused(400, f"no such cursor: {after}")
        begin = ids.index(after) + 1 if after else 0
        limit = min(limit, 3)  # so that every list has several pages
        return {"object": "list", "data": entries[begin : begin + limit], "has_more": len(entries) > begin + limit}

    # --- what the service does meanwhile

    def event(self, job_id: str, message: str, data: dict[str, Any] | None = None, level: str = "info") -> None:
        events = self.events[job_id]
        events.append(
            {
                "id": f"ftevent-{len(events) + 1}",
                "object": "fine_tuning.job.event",
                "created_at": 1_700_000_000 + len(events) // 2,
                "level": level,
                "message": message,
                "type": "metrics" if data else "message",
                "data": data or {},
            }
        )

    def run(self, job_id: str, steps: int = 6) -> None:
        """Train: the job runs, with measurements."""
        self.jobs[job_id]["status"] = "running"
        self.event(job_id, "Files validated, moving job to queued state")
        for step in range(1, steps + 1):
            values = {"step": step, "train_loss": 2.0 / step, "train_mean_token_accuracy": step / 10}
            if step % 3 == 0:
                values |= {"valid_loss": 2.5 / step, "valid_mean_token_accuracy": step / 12}
            self.event(job_id, f"Step {step}/{steps}", values)

    def finish(self, job_id: str, **changes: Any) -> None:
        """The job ends with a model."""
        job = self.jobs[job_id]
        job |= {
            "status": "succeeded",
            "finished_at": int(time.time()),
            "trained_tokens": 1234,
            "fine_tuned_model": f"ft:{job['model']}:org:x:{job_id[-4:]}",
            **changes,
        }
        self.event(job_id, "The job has successfully completed")


def _ends(page: dict[str, Any]) -> dict[str, Any]:
    ids = [entry["id"] for entry in page["data"]] or [""]
    return {**page, "first_id": ids[0], "last_id": ids[-1]}
