"""Together AI: its own fine-tuning API, with an estimate of the price and a download of the adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError, clean
from core.training.providers.hosted import (
    Beat,
    FileRules,
    HostedBase,
    HostedCapabilities,
    HostedCheckpoint,
    HostedEvent,
    HostedPoint,
    HostedRun,
    HostedStatus,
    Hyperparameter,
    RemoteAction,
    RemoteState,
)
from core.training.providers.hosted_wire import adapters, intents, jobs, measured, settings, uploads
from core.training.providers.hosted_wire.client import FileSlice, Wire, quoted
from core.training.providers.hosted_wire.dialect import FINE_TUNE, GIGABYTE, decimal, whole
from core.training.providers.hosted_wire.paging import entries, epoch, listed, mapped

# Source: Together's description of its API (fine-tunes, files) and its Python client, November 2026.
_JOBS: Final = "fine-tunes"
_SUFFIX: Final = 40
_NANODOLLARS: Final = 1_000_000_000  # of `total_price`
_STATES: Final[Mapping[str, RemoteState]] = {
    "pending": "queued",
    "queued": "queued",
    "running": "running",
    "compressing": "running",
    "uploading": "running",
    "cancel_requested": "running",
    "cancelled": "cancelled",
    "error": "failed",
    "user_error": "failed",
    "completed": "succeeded",
}
_READ: Final = frozenset({"id", "status", "events", "total_price", "token_count", "progress", "model_output_name"})


class TogetherAi:
    """Trains LoRA adapters and complete models; see the contract for what the methods do."""

    id = "together"
    title = "Together AI"
    text = (
        "Trains open models. The adapter comes back and answers here; at Together it answers from a dedicated "
        "endpoint, which costs by the hour and is started in its console."
    )
    default_url = "https://api.together.ai/v1"
    capabilities = HostedCapabilities(methods=("lora", "full"), checkpoints=True, adapter=True, price_call=True)
    file_rules = FileRules(FINE_TUNE, max_bytes=25 * GIGABYTE, min_examples=1, weights=True, tools=True)
    closes_on = ""
    key_hosts: Mapping[str, tuple[str, ...]] = {"TOGETHER_API_KEY": ("api.together.ai", "api.together.xyz")}
    hyperparameters = (
        whole("epochs", "n_epochs", 1, 20, 1),
        whole("batch", "batch_size", 1, 1024),  # auto is "max"
        decimal("rate", "learning_rate", 1e-8, 0.1, 1e-5),
        decimal("warmup", "warmup_ratio", 0, 1, 0.0),
        decimal("decay", "weight_decay", 0, 1, 0.0),
        decimal("clipping", "max_grad_norm", 0, 100, 1.0),
        Hyperparameter(
            "n_checkpoints", "Checkpoints", "How many are saved.", "int", "n_checkpoints", 1, 1, 20, auto=False
        ),
        Hyperparameter(
            "n_evals",
            "Validations",
            "How often held-out examples are measured.",
            "int",
            "n_evals",
            0,
            0,
            100,
            auto=False,
        ),
        whole("rank", "training_type.lora_r", 1, 64),
        whole("alpha", "training_type.lora_alpha", 1, 256),
        decimal("dropout", "training_type.lora_dropout", 0, 0.99, 0.0),
    )

    def check(self, endpoint: Endpoint) -> None:
        with Wire(endpoint) as wire, jobs.listing():
            wire.get(_JOBS)

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        with Wire(endpoint) as wire:
            found = wire.get(f"{_JOBS}/models/supported")
            known = {str(model.get("id")): model for page in entries(wire, "models") for model in page}
        names = sorted(map(str, listed(found.get("models"))))
        return [_base(name, known.get(name, {})) for name in names]

    def upload(
        self, endpoint: Endpoint, path: Path, *, sha256: str, earlier: str = "", beat: Beat | None = None
    ) -> str:
        plan = uploads.UploadPlan(path, sha256, FINE_TUNE, beat=beat)
        with Wire(endpoint, transfer=True) as wire:
            if known := uploads.complete(wire, plan, earlier):
                return known
            plan.verify()
            with path.open("rb") as stream:
                fields = {"purpose": FINE_TUNE, "file_name": plan.name, "file_type": "jsonl"}
                part = (plan.name, FileSlice(stream, 0, plan.size, beat), uploads.MIME)
                made = wire.send("POST", "files/upload", data=fields, files={"file": part})
        return uploads.sent(made, plan)

    def submit(self, endpoint: Endpoint, run: HostedRun) -> str:
        body = self._body(run)
        with Wire(endpoint) as wire, jobs.creating():
            return jobs.identity(wire.post(_JOBS, body))

    def _body(self, run: HostedRun) -> dict[str, Any]:
        chosen = settings.placed(self.hyperparameters, settings.checked(self.hyperparameters, run.hyperparameters))
        lora = chosen.pop("training_type", {})
        body: dict[str, Any] = {
            "model": run.base_model,
            "training_file": run.training_file,
            "suffix": intents.named(run.name, run.intent, _SUFFIX),
            "training_method": {"method": "sft", "train_on_inputs": "auto"},
            "batch_size": "max",
            **chosen,
        }
        if run.validation_file:
            body["validation_file"] = run.validation_file
            body["n_evals"] = body.get("n_evals") or 5  # with 0, the held-out examples are not measured
        if run.seed is not None:
            body["random_seed"] = run.seed
        if run.method == "full":
            body["training_type"] = {"type": "Full"}
        else:
            rank = lora.get("lora_r", 8)
            body["training_type"] = {"type": "Lora", "lora_r": rank, "lora_alpha": 2 * rank, **lora}
        return body

    def find(self, endpoint: Endpoint, intent: str) -> str:
        with Wire(endpoint) as wire:
            for page in entries(wire, _JOBS):
                for job in page:
                    if intents.carries(job, intent):
                        return str(job.get("id") or "")
        return ""

    def status(self, endpoint: Endpoint, remote_id: str) -> HostedStatus:
        with Wire(endpoint) as wire:
            return _seen(wire.get(f"{_JOBS}/{quoted(remote_id)}"))

    def events(self, endpoint: Endpoint, remote_id: str, *, after: str = "") -> Sequence[HostedEvent]:
        with Wire(endpoint) as wire:
            found = _list(wire.get(f"{_JOBS}/{quoted(remote_id)}/events"), "data")
        ordered = sorted(found, key=lambda event: epoch(event.get("created_at")))
        made = [_event(number, event) for number, event in enumerate(ordered) if event.get("message")]
        return [event for event in made if not after or event.id > after]

    def points(self, endpoint: Endpoint, remote_id: str, *, after: int = -1) -> Sequence[HostedPoint]:
        with Wire(endpoint) as wire:
            found = wire.get(f"{_JOBS}/{quoted(remote_id)}/metrics", global_step_from=after + 1 if after >= 0 else None)
        rows = [{**row, "step": row.get("global_step", row.get("step"))} for row in _list(found, "metrics")]
        return [point for point in measured.points(rows) if point.step > after]

    def checkpoints(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedCheckpoint]:
        with Wire(endpoint) as wire:
            found = _list(wire.get(f"{_JOBS}/{quoted(remote_id)}/checkpoints"), "data")
        made = [
            HostedCheckpoint(
                id=f"{remote_id}:{_count(entry.get('step'))}",
                step=_count(entry.get("step")),
                model=str(entry.get("object_name") or ""),
                files=(str(entry["path"]),) if entry.get("path") else (),
            )
            for entry in found
        ]
        return sorted(made, key=lambda checkpoint: checkpoint.step)

    def act(self, endpoint: Endpoint, remote_id: str, action: RemoteAction) -> None:
        if action != "cancel":
            raise LlmError(f"Together cannot {action} a job.", "Cancel it, or let it run.", cause="refused")
        path = f"{_JOBS}/{quoted(remote_id)}"
        with Wire(endpoint) as wire, jobs.acting(action, lambda: _seen(wire.get(path)).state):
            wire.post(f"{path}/cancel")

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        path = f"{_JOBS}/{quoted(remote_id)}"
        with Wire(endpoint) as wire:
            job = wire.get(path)
        if _seen(job).state != "succeeded" or mapped(job.get("training_type")).get("type") != "Lora":
            return False
        archive = into / ".download"
        try:
            with Wire(endpoint, transfer=True) as wire:
                wire.download("finetune/download", archive, beat, ft_id=remote_id, checkpoint="adapter")
            adapters.unpack(archive, into)
        finally:
            archive.unlink(missing_ok=True)
        adapters.verify(into)
        return True

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        body = self._body(run)
        names = ("model", "training_file", "validation_file", "n_epochs", "n_evals", "training_type", "training_method")
        with Wire(endpoint) as wire:
            found = wire.post(f"{_JOBS}/estimate-price", {name: body[name] for name in names if name in body})
        known = found.get("estimation_available") is not False
        return measured.number(found.get("estimated_total_price")) if known else None


def _base(name: str, facts: Mapping[str, Any]) -> HostedBase:
    length = measured.number(facts.get("context_length"))
    return HostedBase(
        id=name,
        title=clean(str(facts.get("display_name") or "")),
        methods=TogetherAi.capabilities.methods,
        context_length=int(length) if length else None,
        extra={key: value for key, value in facts.items() if key not in ("id", "object", "display_name")},
    )


def _seen(job: Mapping[str, Any]) -> HostedStatus:
    word = clean(str(job.get("status") or ""))
    state = _STATES.get(word)
    events = [mapped(event) for event in listed(job.get("events"))]
    step = max((_count(event.get("step")) for event in events), default=0) or None
    total = max((_count(event.get("total_steps")) for event in events), default=0) or None
    price, tokens = measured.number(job.get("total_price")), measured.number(job.get("token_count"))
    failed = next((event for event in reversed(events) if str(event.get("level", "")).endswith("error")), None)
    return HostedStatus(
        state=state or "running",
        provider_status=word,
        known=state is not None,
        progress=1.0 if state == "succeeded" else min(step / total, 1.0) if step and total else None,
        trained_tokens=int(tokens) if tokens else None,
        step=step,
        total_steps=total,
        model=str(job.get("model_output_name") or "") if state == "succeeded" else "",
        usd=price / _NANODOLLARS if price and state in jobs.ENDED else None,
        error=clean(str(failed.get("message") or "")) if failed and state == "failed" else "",
        extra={name: value for name, value in job.items() if name not in _READ},
    )


def _event(number: int, event: Mapping[str, Any]) -> HostedEvent:
    """Events have no ids there; their order does not change."""
    level = str(event.get("level") or "")
    return HostedEvent(
        id=f"{number:08d}",
        created_at=epoch(event.get("created_at")),
        message=clean(str(event.get("message") or "")),
        level="error" if level.endswith("error") else "warning" if level.endswith("warning") else "info",
    )


def _list(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [mapped(entry) for entry in listed(answer.get(name))]


def _count(value: Any) -> int:
    found = measured.number(value) or 0.0
    return int(found) if 0 <= found <= measured.MOST_STEPS else 0
