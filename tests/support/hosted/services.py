"""Nebius, Crusoe, Azure and OpenAI as recorded services: what each allows and refuses beyond the shared shape."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import unquote

from tests.support.hosted import weights
from tests.support.hosted.openai_shaped import HYPERPARAMETERS, OpenAiShapedService
from tests.support.hosted.server import Bytes, Call, Refused


class OpenAiService(OpenAiShapedService):
    """Result files as CSV in base64, uploads in parts, dates of shutdown."""

    models = (
        {
            "id": "gpt-4.1-mini-2025-04-14",
            "object": "model",
            "created": 1,
            "owned_by": "system",
            "shutdown_date": "2027-01-14",
        },
        {
            "id": "gpt-4o-mini-2024-07-18",
            "object": "model",
            "created": 1,
            "owned_by": "system",
            "shutdown_date": "2027-01-14",
        },
        {"id": "whisper-1", "object": "model", "created": 1, "owned_by": "openai"},
        {"id": "ft:gpt-4o-mini-2024-07-18:org:x:1", "object": "model", "created": 1, "owned_by": "org"},
    )
    listed = ()

    def __init__(self) -> None:
        self.uploads: dict[str, dict[str, Any]] = {}
        self.parts: dict[str, bytes] = {}
        super().__init__()

    def add_routes(self) -> None:
        super().add_routes()
        self.route("POST", f"{self.base}/uploads", self.begin)
        self.route("POST", f"{self.base}/uploads/{{upload_id}}/parts", self.part)
        self.route("POST", f"{self.base}/uploads/{{upload_id}}/complete", self.complete)

    def begin(self, call: Call) -> Any:
        names = ("filename", "purpose", "bytes", "mime_type")
        self.only(call.json, *names, needs=names)
        upload_id = f"upload_{len(self.uploads) + 1}"
        made = {"id": upload_id, "object": "upload", "status": "pending", "created_at": 1, "expires_at": 3_601}
        self.uploads[upload_id] = {**made, **call.json}
        return self.uploads[upload_id]

    def part(self, call: Call, upload_id: str) -> Any:
        self._pending(upload_id)
        if set(call.files) != {"data"} or call.form:
            self.violate("a part without data")
            raise Refused(400, "data is required")
        part_id = f"part_{len(self.parts) + 1}"
        self.parts[part_id] = call.files["data"][1]
        return {"id": part_id, "object": "upload.part", "upload_id": upload_id, "created_at": 1}

    def complete(self, call: Call, upload_id: str) -> Any:
        upload = self._pending(upload_id)
        self.only(call.json, "part_ids", "md5", needs=("part_ids",))
        data = b"".join(self.parts[part] for part in call.json["part_ids"])
        if len(data) != upload["bytes"]:
            raise Refused(400, f"{len(data)} of {upload['bytes']} bytes arrived")
        upload |= {"status": "completed", "file": self.add_file(upload["filename"], data)}
        return upload

    def _pending(self, upload_id: str) -> dict[str, Any]:
        if self.uploads.get(upload_id, {}).get("status") != "pending":
            raise Refused(404, f"No such upload: {upload_id}")
        return self.uploads[upload_id]

    def finish(self, job_id: str, **changes: Any) -> None:
        rows = ["step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"]
        rows += [f"{step},{2.0 / step},{step / 10},{2.5 / step if step % 3 == 0 else ''}," for step in range(1, 7)]
        file = self.add_file("step_metrics.csv", base64.b64encode("\n".join(rows).encode()), "fine-tune-results")
        super().finish(job_id, result_files=[file["id"]], **changes)
        self.checkpoints[job_id].append(
            {
                "id": "ftckpt_1",
                "object": "fine_tuning.job.checkpoint",
                "created_at": 1,
                "fine_tuning_job_id": job_id,
                "fine_tuned_model_checkpoint": self.jobs[job_id]["fine_tuned_model"],
                "step_number": 6,
                "metrics": {"step": 6, "train_loss": 0.33, "full_valid_loss": 0.4, "valid_loss": 0.5},
            }
        )


class AzureService(OpenAiShapedService):
    """The key in `api-key`, no weights, a list of models that says what can be trained."""

    base = "/openai/v1"
    key_header = "api-key"
    create_fields = (*OpenAiShapedService.create_fields, "trainingType")
    longest_suffix = 40
    listed = ()
    models = (
        {
            "id": "gpt-4.1-mini-2025-04-14",
            "object": "model",
            "status": "succeeded",
            "lifecycle_status": "generally-available",
            "capabilities": {"fine_tune": True, "inference": True},
            "deprecation": {"fine_tune": 1_800_000_000, "inference": 1_830_297_600},
        },
        {
            "id": "dall-e-3",
            "object": "model",
            "status": "succeeded",
            "capabilities": {"fine_tune": False, "inference": True},
        },
    )

    def check_examples(self, data: bytes) -> None:
        super().check_examples(data)
        if b'"weight"' in data:
            self.violate("a weight")
            raise Refused(400, "weight is not supported")

    def check_create(self, body: dict[str, Any]) -> None:
        if body.get("trainingType") not in (None, "Standard", "GlobalStandard", "Developer"):
            raise Refused(400, "trainingType is invalid")


class NebiusService(OpenAiShapedService):
    """An absolute learning rate, no metadata, checkpoints with files, custom models beside the API."""

    create_fields = ("model", "training_file", "validation_file", "hyperparameters", "method", "suffix", "seed")
    hyperparameters = (
        "batch_size",
        "learning_rate",
        "n_epochs",
        "warmup_ratio",
        "weight_decay",
        "packing",
        "max_grad_norm",
        "context_length",
        "lora",
        "lora_r",
        "lora_alpha",
        "lora_dropout",
    )
    models = ({"id": "meta-llama/Llama-3.1-8B-Instruct", "object": "model"},)
    pausable = False

    def __init__(self) -> None:
        self.custom: list[dict[str, Any]] = []
        super().__init__()

    def add_routes(self) -> None:
        super().add_routes()
        self.route("GET", "/v0/models", lambda call: [_listed(one) for one in self.custom])
        self.route("POST", "/v0/models", self.deploy)
        self.route("GET", "/v0/models/{vendor}/{full_name}", lambda call, **at: _listed(self._model(**at)))
        self.route("DELETE", "/v0/models/{vendor}/{full_name}", self.delete)
        self.route("POST", f"{self.base}/chat/completions", self.chat)

    def check_create(self, body: dict[str, Any]) -> None:
        numbers = body["method"]["supervised"]["hyperparameters"]
        if numbers.get("learning_rate", 1e-5) > 0.1:
            self.violate(f"a learning rate of {numbers['learning_rate']}")
            raise Refused(422, "learning_rate must be below 0.1")
        if not numbers.get("lora") and "lora_r" in numbers:
            self.violate("a rank without LoRA")
            raise Refused(422, "lora_r needs lora")

    def deploy(self, call: Call) -> Any:
        self.only(call.json, "name", "base_model", "source", "description", needs=("name", "base_model", "source"))
        job_id, _, checkpoint = call.json["source"].partition(":")
        if checkpoint not in [entry["id"] for entry in self.checkpoints.get(job_id, [])]:
            raise Refused(404, f"no such checkpoint: {call.json['source']}")
        made = {
            **call.json,
            "name": f"{call.json['base_model']}-LoRa:{call.json['name']}-abc{'defghi'[len(self.custom)]}",
            "status": "validating",
            "created_at": 1,
        }
        self.custom.append(made)
        return made

    def change(self, status: str, reason: str = "") -> None:
        """Move the newest custom model to a status."""
        self.custom[-1] |= {"status": status} | ({"status_reason": reason} if reason else {})

    def delete(self, call: Call, vendor: str, full_name: str) -> Any:
        if call.raw:
            self.violate("a body of DELETE")
        found = self._model(vendor, full_name)
        if found["status"] == "deleted":
            raise Refused(404, "no such model")
        found["status"] = "deleted"
        return found

    def _model(self, vendor: str, full_name: str) -> dict[str, Any]:
        name = f"{vendor}/{unquote(full_name)}"
        found = next((one for one in self.custom if one["name"] == name), None)
        if found is None:
            raise Refused(404, f"no such model: {name}")
        return found

    def chat(self, call: Call) -> Any:
        self.only(
            call.json, "model", "messages", "max_tokens", "temperature", "top_p", "seed", "stop", "stream",
            "stream_options", needs=("model", "messages"),
        )  # fmt: skip
        active = [one["name"] for one in self.custom if one["status"] == "active"]
        if call.json["model"] not in active:
            raise Refused(404, f"The model {call.json['model']} does not exist.")
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        shared = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": call.json["model"]}
        events = [
            {**shared, "choices": [{"index": 0, "delta": {"content": "It is "}, "finish_reason": None}]},
            {**shared, "choices": [{"index": 0, "delta": {"content": "blue."}, "finish_reason": "stop"}]},
            {**shared, "choices": [], "usage": usage},
        ]
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        return Bytes(lines.encode(), {"Content-Type": "text/event-stream"})

    def run(self, job_id: str, steps: int = 6) -> None:
        super().run(job_id, steps)
        self.jobs[job_id] |= {"trained_steps": steps // 2, "total_steps": steps, "estimated_finish": 1_800_000_000}

    def finish(self, job_id: str, **changes: Any) -> None:
        super().finish(job_id, **changes)
        self.jobs[job_id] |= {"trained_steps": 6, "total_steps": 6}
        for number, step in ((1, 3), (2, 6)):
            files = [self.add_file(name, data, "fine-tune-results")["id"] for name, data in weights.files().items()]
            self.checkpoints[job_id].append(
                {
                    "id": f"ftckpt_{number}",
                    "object": "fine_tuning.job.checkpoint",
                    "created_at": number,
                    "fine_tuning_job_id": job_id,
                    "fine_tuned_model_checkpoint": f"{job_id}:ckpt{number}",
                    "step_number": step,
                    "metrics": {"step": step, "train_loss": 2.0 / step},
                    "result_files": files,
                }
            )


class CrusoeService(OpenAiShapedService):
    """Choices as enumerations, events in any order, checkpoints with file ids, a price before the job."""

    create_fields = ("model", "training_file", "validation_file", "suffix", "seed", "method")
    hyperparameters = (
        *HYPERPARAMETERS,
        "learning_rate",
        "lr_scheduler",
        "lora_variant",
        "lora_rank",
        "lora_alpha",
        "lora_dropout",
        "early_stopping_patience",
        "warmup_ratio",
        "weight_decay",
        "checkpoint_steps",
    )
    models = (
        {
            "id": "model-qwen-1",
            "model_name": "Qwen/Qwen3-8B",
            "model_type": "base_model",
            "fine_tuning_available": True,
        },
        {"id": "model-other", "model_name": "Other", "model_type": "base_model", "fine_tuning_available": False},
    )
    pausable = False
    newest_first = False

    def add_routes(self) -> None:
        self.route("POST", f"{self.base}/fine_tuning/jobs/estimate_price", self.price)
        super().add_routes()

    def price(self, call: Call) -> Any:
        self.only(call.json, *self.create_fields, needs=("model", "training_file"))
        return {"estimated_price": 1.25, "currency": "USD"}

    def check_create(self, body: dict[str, Any]) -> None:
        numbers = body["method"].get("supervised", {}).get("hyperparameters", {})
        for name, allowed in (
            ("batch_size", (16, 32, 64, 128, 256, 512, 1024)),
            ("lora_rank", (2, 4, 8, 16, 32, 64, 128, 256)),
        ):
            if name in numbers and numbers[name] not in allowed:
                self.violate(f"{name} is {numbers[name]!r}")
                raise Refused(422, f"{name} must be one of {allowed}")

    def finish(self, job_id: str, **changes: Any) -> None:
        super().finish(job_id, **changes)
        file = self.add_file("adapter.zip", weights.zipped(), "fine-tune-results")
        self.checkpoints[job_id].append(
            {
                "id": "ckpt-1",
                "object": "fine_tuning.job.checkpoint",
                "created_at": 1,
                "fine_tuning_job_id": job_id,
                "fine_tuned_model_checkpoint": "qwen-step-6",
                "fine_tuned_model_id": "ftmodel-1",
                "step_number": 6,
                "metrics": {"step": 6, "train_loss": 0.3, "valid_loss": 0.4},
                "file_ids": [file["id"]],
            }
        )


def _listed(made: dict[str, Any]) -> dict[str, Any]:
    """A custom model as the list shows it: with its job and checkpoint, without `source`."""
    job, _, checkpoint = made["source"].partition(":")
    shown = {name: made[name] for name in ("name", "status", "status_reason", "created_at") if name in made}
    return {
        **shown, "type": "text2text", "flavors": [], "vendor": made["name"].partition("/")[0], "tags": [],
        "use_cases": [], "context_window_k": 128, "size_b": 8, "job_id": job, "checkpoint_id": checkpoint,
    }  # fmt: skip


def example(number: int, **message: Any) -> str:
    """A line of a training file."""
    answer = {"role": "assistant", "content": f"It is {number}.", **message}
    return json.dumps({"messages": [{"role": "user", "content": f"What is {number}?"}, answer]})
