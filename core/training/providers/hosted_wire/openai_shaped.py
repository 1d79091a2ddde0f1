"""Services that speak OpenAI's fine-tuning API: files, jobs, events, checkpoints. What differs is in their dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from core.models.llm.base import Endpoint
from core.models.llm.failures import clean
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
)
from core.training.providers.hosted_wire import intents, jobs, measured, settings, uploads
from core.training.providers.hosted_wire.client import Wire, quoted
from core.training.providers.hosted_wire.dialect import ServiceDialect
from core.training.providers.hosted_wire.paging import entries, epoch, listed, mapped

JOBS: Final = "fine_tuning/jobs"
_LEVELS: Final[Mapping[str, Literal["info", "warning", "error"]]] = {
    "warn": "warning", "warning": "warning", "error": "error",
}  # fmt: skip
_READ: Final = frozenset({
    "id", "object", "status", "error", "fine_tuned_model", "trained_tokens", "estimated_finish", "trained_steps",
    "total_steps", "result_files", "created_at", "finished_at", "model", "hyperparameters", "method", "metadata",
    "training_file", "validation_file", "organization_id", "seed", "integrations",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenAiShaped:
    """A service by its dialect. Subclasses replace what a record cannot say."""

    dialect: ServiceDialect

    @property
    def id(self) -> str:
        return self.dialect.id

    @property
    def title(self) -> str:
        return self.dialect.title

    @property
    def text(self) -> str:
        return self.dialect.text

    @property
    def default_url(self) -> str:
        return self.dialect.default_url

    @property
    def capabilities(self) -> HostedCapabilities:
        return self.dialect.capabilities

    @property
    def file_rules(self) -> FileRules:
        return self.dialect.file_rules

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        return self.dialect.hyperparameters

    @property
    def key_hosts(self) -> Mapping[str, tuple[str, ...]]:
        return self.dialect.key_hosts

    @property
    def closes_on(self) -> str:
        return self.dialect.closes_on

    def wire(self, endpoint: Endpoint, *, transfer: bool = False) -> Wire:
        return Wire(endpoint, key_header=self.dialect.key_header, transfer=transfer)

    # --- before a job

    def check(self, endpoint: Endpoint) -> None:
        with self.wire(endpoint) as wire, jobs.listing():
            wire.get(JOBS, limit=1)

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        with self.wire(endpoint) as wire:
            pages = entries(wire, "models")
            found = [entry for page in pages for entry in page if entry.get("id") and self.is_trainable(entry)]
        return sorted((self.base(entry) for entry in found), key=lambda base: base.title or base.id)

    def is_trainable(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry of the list of models can be trained; where nothing says so, all can be tried."""
        able = entry.get("capabilities")
        if isinstance(able, Mapping) and "fine_tune" in able:
            return bool(able["fine_tune"])
        name = str(entry["id"])
        return not name.startswith("ft:") and (not self.dialect.trainable or name.startswith(self.dialect.trainable))

    def base(self, entry: Mapping[str, Any]) -> HostedBase:
        """An entry of the list of models."""
        return HostedBase(
            id=str(entry["id"]),
            methods=self.capabilities.methods,
            context_length=_whole(entry.get("context_length") or entry.get("context_window")),
            shutdown_date=_date(entry),
            extra={name: value for name, value in entry.items() if name not in ("id", "object", "shutdown_date")},
        )

    def upload(
        self, endpoint: Endpoint, path: Path, *, sha256: str, earlier: str = "", beat: Beat | None = None
    ) -> str:
        with self.wire(endpoint, transfer=True) as wire:
            plan = uploads.UploadPlan(path, sha256, self.file_rules.purpose, self.dialect.page, beat)
            if known := uploads.complete(wire, plan, earlier):
                return known
            if 0 < self.dialect.part_bytes < plan.size:
                return self.in_parts(wire, plan)
            return uploads.in_one_piece(wire, plan)

    def in_parts(self, wire: Wire, plan: uploads.UploadPlan) -> str:
        """Upload a large file in parts."""
        return uploads.in_parts(wire, plan, self.dialect.part_bytes)

    # --- the job

    def submit(self, endpoint: Endpoint, run: HostedRun) -> str:
        body, headers = self.body(run), self.headers(run)
        with self.wire(endpoint) as wire, jobs.creating():
            return jobs.identity(wire.post(JOBS, body, headers=headers))

    def headers(self, run: HostedRun) -> dict[str, str]:
        """Headers of the request that creates a job."""
        return {}

    def body(self, run: HostedRun) -> dict[str, Any]:
        """The request that creates a job."""
        body: dict[str, Any] = {"model": run.base_model, "training_file": run.training_file}
        if run.validation_file:
            body["validation_file"] = run.validation_file
        if run.seed is not None:
            body["seed"] = run.seed
        body["suffix"] = intents.named(run.name, run.intent, self.dialect.suffix_chars)
        if self.dialect.metadata:
            body["metadata"] = {intents.METADATA_KEY: run.intent}
        settings.put(body, "method.type", "supervised")
        chosen = settings.placed(self.hyperparameters, settings.checked(self.hyperparameters, run.hyperparameters))
        return merged(body, chosen)

    def find(self, endpoint: Endpoint, intent: str) -> str:
        asked: dict[str, Any] = {f"metadata[{intents.METADATA_KEY}]": intent} if self.dialect.metadata_filter else {}
        with self.wire(endpoint) as wire:
            for page in entries(wire, JOBS, limit=self.dialect.page, **asked):
                for job in page:
                    if intents.carries(job, intent):
                        return str(job.get("id") or "")
        return ""

    def status(self, endpoint: Endpoint, remote_id: str) -> HostedStatus:
        with self.wire(endpoint) as wire:
            return self.seen(wire.get(f"{JOBS}/{quoted(remote_id)}"))

    def seen(self, job: Mapping[str, Any]) -> HostedStatus:
        """A job as the service shows it."""
        word = clean(str(job.get("status") or ""))
        state = self.dialect.statuses.get(word)
        step, total = _whole(job.get("trained_steps")), _whole(job.get("total_steps"))
        return HostedStatus(
            state=state or "running",
            provider_status=word,
            known=state is not None,
            progress=min(step / total, 1.0) if step is not None and total else None,
            trained_tokens=_whole(job.get("trained_tokens")),
            step=step,
            total_steps=total,
            finish_at=epoch(job.get("estimated_finish")) or None,
            model=str(job.get("fine_tuned_model") or ""),
            error=clean(str(mapped(job.get("error")).get("message") or "")) if state in ("failed", "cancelled") else "",
            extra={name: value for name, value in job.items() if name not in _READ},
        )

    def events(self, endpoint: Endpoint, remote_id: str, *, after: str = "") -> Sequence[HostedEvent]:
        found: dict[str, Mapping[str, Any]] = {}
        with self.wire(endpoint) as wire:
            for page in entries(wire, f"{JOBS}/{quoted(remote_id)}/events", limit=self.dialect.page):
                found.update((str(entry.get("id") or ""), entry) for entry in page)
                if after in found and _newest_first(page):
                    break
        ordered = sorted(found.items(), key=_order)
        names = [name for name, _ in ordered]
        begin = names.index(after) + 1 if after in names else 0
        return [
            HostedEvent(
                id=name,
                created_at=epoch(entry.get("created_at")),
                message=clean(str(entry.get("message") or "")),
                level=_LEVELS.get(str(entry.get("level")), "info"),
            )
            for name, entry in ordered[begin:]
            if entry.get("type") != "metrics" and entry.get("message")
        ]

    def points(self, endpoint: Endpoint, remote_id: str, *, after: int = -1) -> Sequence[HostedPoint]:
        with self.wire(endpoint) as wire:
            job = wire.get(f"{JOBS}/{quoted(remote_id)}")
            rows = self.result_rows(wire, job) or self.event_rows(wire, remote_id, after)
        return [point for point in measured.points(rows) if point.step > after]

    def result_rows(self, wire: Wire, job: Mapping[str, Any]) -> list[dict[str, str]]:
        """The rows of the job's result file, once it has one."""
        for file in listed(job.get("result_files")):
            rows = measured.table(wire.text(f"files/{quoted(str(file))}/content"))
            if rows and "step" in rows[0]:
                return rows
        return []

    def event_rows(self, wire: Wire, remote_id: str, after: int) -> list[Mapping[str, Any]]:
        """The measurements among the events after a step."""
        rows: list[Mapping[str, Any]] = []
        for page in entries(wire, f"{JOBS}/{quoted(remote_id)}/events", limit=self.dialect.page):
            found = [entry["data"] for entry in page if isinstance(entry.get("data"), Mapping)]
            rows += [values for values in found if "step" in values]
            steps = [step for values in found if (step := measured.number(values.get("step"))) is not None]
            if steps and min(steps) <= after and _newest_first(page):
                break
        return rows

    def checkpoints(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedCheckpoint]:
        if not self.capabilities.checkpoints:
            return []
        with self.wire(endpoint) as wire:
            return self.saved(wire, remote_id)

    def saved(self, wire: Wire, remote_id: str) -> list[HostedCheckpoint]:
        """The checkpoints of a job, in the order of their steps."""
        pages = entries(wire, f"{JOBS}/{quoted(remote_id)}/checkpoints", limit=self.dialect.page)
        found = [self.checkpoint(entry) for page in pages for entry in page]
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    def checkpoint(self, entry: Mapping[str, Any]) -> HostedCheckpoint:
        """An entry of the list of checkpoints."""
        return HostedCheckpoint(
            id=str(entry.get("id") or ""),
            step=_whole(entry.get("step_number")) or 0,
            model=str(entry.get("fine_tuned_model_checkpoint") or ""),
            files=tuple(str(file) for file in listed(entry.get("result_files"))),
            measured=measured.flat(mapped(entry.get("metrics"))),
        )

    def act(self, endpoint: Endpoint, remote_id: str, action: RemoteAction) -> None:
        path = f"{JOBS}/{quoted(remote_id)}"
        with self.wire(endpoint) as wire, jobs.acting(action, lambda: self.seen(wire.get(path)).state):
            wire.post(f"{path}/{action}")

    # --- its result

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        return False

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        return None


def merged(first: dict[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested dictionaries as one."""
    for name, value in second.items():
        both = isinstance(value, Mapping) and isinstance(first.get(name), dict)
        first[name] = merged(first[name], value) if both else value
    return first


def _newest_first(page: Sequence[Mapping[str, Any]]) -> bool:
    times = [epoch(entry.get("created_at")) for entry in page]
    return times == sorted(times, reverse=True)


def _order(item: tuple[str, Mapping[str, Any]]) -> tuple[float, int, str]:
    """By time, then by the number at the end of the id: events of one second keep their order."""
    name, entry = item
    digits = name.rpartition("-")[2]
    return epoch(entry.get("created_at")), int(digits) if digits.isdecimal() and len(digits) < 16 else 0, name


MOST: Final = 2**53  # up to which JSON's numbers are exact


def _whole(value: Any) -> int | None:
    found = measured.number(value)
    return int(found) if found is not None and 0 <= found <= MOST else None


def _date(entry: Mapping[str, Any]) -> str:
    """The day on which a model goes dark; "" if none is announced."""
    told: Any = entry.get("shutdown_date")
    ending = entry.get("deprecation")
    if told is None and isinstance(ending, Mapping):  # Azure: epoch seconds for training and for inference
        told = ending.get("inference")
    if isinstance(told, int | float):
        at = epoch(told)
        return datetime.fromtimestamp(at, UTC).date().isoformat() if at else ""
    return str(told)[:10] if told else ""
