"""Together AI as a recorded service."""

from __future__ import annotations

import json
from typing import Any

from tests.support.hosted import weights
from tests.support.hosted.server import Bytes, Call, Redirect, Refused, Service

NUMBERS = (
    "n_epochs",
    "n_checkpoints",
    "n_evals",
    "batch_size",
    "learning_rate",
    "warmup_ratio",
    "max_grad_norm",
    "weight_decay",
)


class TogetherService(Service):
    """Its own paths, a list of supported models, an estimate, metrics by name, a download as tar with zstd."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.metrics: list[dict[str, float]] = []
        self.redirects = False
        super().__init__()

    def add_routes(self) -> None:
        for method, path, handler in (
            (
                "GET",
                "models",
                lambda call: [
                    {"id": "Qwen/Qwen3-8B", "object": "model", "display_name": "Qwen3 8B", "context_length": 32768}
                ],
            ),
            (
                "GET",
                "fine-tunes/models/supported",
                lambda call: {"models": ["Qwen/Qwen3-8B", "meta/Llama"], "detailed_models": []},
            ),
            ("POST", "files/upload", self.upload),
            ("GET", "files", lambda call: {"data": list(self.files.values())}),
            ("GET", "files/{file_id}", self.get_file),
            ("POST", "fine-tunes", self.create),
            ("GET", "fine-tunes", lambda call: {"data": [dict(job, events=None) for job in self.jobs.values()]}),
            ("POST", "fine-tunes/estimate-price", self.price),
            ("GET", "fine-tunes/{job_id}", self.get_job),
            ("POST", "fine-tunes/{job_id}/cancel", self.cancel),
            ("GET", "fine-tunes/{job_id}/events", lambda call, job_id: {"data": self.get_job(call, job_id)["events"]}),
            ("GET", "fine-tunes/{job_id}/metrics", self.list_metrics),
            ("GET", "fine-tunes/{job_id}/checkpoints", self.list_checkpoints),
            ("GET", "finetune/download", self.download),
        ):
            self.route(method, f"{self.base}/{path}", handler)
        self.route("GET", "/storage/adapter", self.storage)

    def upload(self, call: Call) -> Any:
        if call.form.keys() != {"purpose", "file_name", "file_type"} or call.form["file_type"] != "jsonl":
            self.violate(f"form {call.form}")
            raise Refused(400, "fields are missing")
        name, data = call.files["file"]
        if name != call.form["file_name"]:
            self.violate("two names")
        [json.loads(line) for line in data.splitlines()]
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": len(data),
            "created_at": 1,
            "filename": name,
            "purpose": "fine-tune",
            "FileType": "jsonl",
            "LineCount": len(data.splitlines()),
            "Processed": True,
        }
        return self.files[file_id]

    def get_file(self, call: Call, file_id: str) -> Any:
        if file_id not in self.files:
            raise Refused(404, "File not found")
        return self.files[file_id]

    def create(self, call: Call) -> Any:
        body = call.json
        self.only(
            body,
            "model",
            "training_file",
            "validation_file",
            "suffix",
            "random_seed",
            "training_type",
            "training_method",
            *NUMBERS,
            needs=("model", "training_file"),
        )
        kind = body["training_type"]
        lora = ("lora_r", "lora_alpha")
        self.only(kind, "type", *lora, "lora_dropout", needs=("type", *(lora if kind.get("type") == "Lora" else ())))
        if len(body["suffix"]) > 40 or body["training_file"] not in self.files:
            self.violate(f"suffix {body['suffix']!r}, file {body['training_file']!r}")
            raise Refused(400, "invalid request")
        if body.get("validation_file") and not body.get("n_evals"):
            self.violate("held-out examples that are never measured")
        job_id = f"ft-{len(self.jobs) + 1:04d}"
        self.jobs[job_id] = {
            "id": job_id,
            "status": "pending",
            "user_id": "u",
            "created_at": "2026-11-30T10:00:00Z",
            "model": body["model"],
            "model_output_name": f"org/{body['model'].split('/')[1]}-{body['suffix']}-1a2b",
            "training_type": kind,
            "total_price": 0,
            "token_count": 0,
            "suffix": body["suffix"],
            "events": [
                {
                    "object": "fine-tune-event",
                    "created_at": "2026-11-30T10:00:00Z",
                    "level": "info",
                    "message": "Fine tune request created",
                    "type": "job_pending",
                }
            ],
        }
        return self.jobs[job_id]

    def price(self, call: Call) -> Any:
        self.only(
            call.json,
            "model",
            "training_file",
            "validation_file",
            "n_epochs",
            "n_evals",
            "training_type",
            "training_method",
            needs=("training_file",),
        )
        return {"estimation_available": True, "allowed_to_proceed": True, "estimated_total_price": 4.2}

    def get_job(self, call: Call, job_id: str) -> Any:
        if job_id not in self.jobs:
            raise Refused(404, "Fine-tune job not found")
        return self.jobs[job_id]

    def cancel(self, call: Call, job_id: str) -> Any:
        job = self.get_job(call, job_id)
        if job["status"] in ("completed", "cancelled", "error"):
            raise Refused(400, "the job has ended")
        job["status"] = "cancel_requested"
        return job

    def list_metrics(self, call: Call, job_id: str) -> Any:
        begin = int(call.query.get("global_step_from", 0))
        return {"metrics": [row for row in self.metrics if row["global_step"] >= begin]}

    def list_checkpoints(self, call: Call, job_id: str) -> Any:
        self.get_job(call, job_id)
        return {
            "data": [
                {"checkpoint_type": "final", "created_at": "x", "path": "s3://a", "step": 6, "object_name": "org/c"}
            ]
        }

    def download(self, call: Call) -> Any:
        if call.query.get("checkpoint") != "adapter" or call.query.get("ft_id") not in self.jobs:
            self.violate(f"download {call.query}")
            raise Refused(400, "invalid request")
        return Redirect(f"{self.origin}/storage/adapter?signature=1") if self.redirects else self.storage(call)

    def storage(self, call: Call) -> Any:
        return Bytes(weights.tarred(), {"Content-Disposition": 'attachment; filename="model.tar.zst"'})

    def check_key(self, call: Call) -> None:
        if call.path.startswith("/storage/"):
            if "authorization" in call.headers:
                self.violate("the key was sent to storage")
            return
        super().check_key(call)

    def run(self, job_id: str, status: str = "running") -> None:
        job = self.jobs[job_id]
        job["status"] = status
        job["events"] += [
            {
                "object": "fine-tune-event",
                "created_at": "2026-11-30T10:05:00Z",
                "level": "info",
                "step": 3,
                "total_steps": 6,
                "message": "Training at step 3",
                "type": "epoch_complete",
            },
        ]
        self.metrics = [
            *({"global_step": step, "train/loss": 2.0 / step, "train/learning_rate": 1e-5} for step in range(1, 7)),
            {"global_step": 6, "eval/loss": 0.5},
        ]

    def finish(self, job_id: str) -> None:
        self.jobs[job_id] |= {"status": "completed", "total_price": 4_100_000_000, "token_count": 1234}
