"""Fireworks AI: datasets and jobs are resources of an account, with ids that the client chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

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
from core.training.providers.hosted_wire.client import FileSlice, Wire, foreign, quoted
from core.training.providers.hosted_wire.dialect import MEGABYTE, decimal, whole
from core.training.providers.hosted_wire.paging import MOST_PAGES, epoch, listed, mapped

# Source: Fireworks' description of its API (datasets, supervised fine-tuning jobs, models), November 2026.
_JOBS: Final = "supervisedFineTuningJobs"
_DIRECT_BYTES: Final = 150 * MEGABYTE  # above it, the file goes to signed storage
_NAME: Final = 60
_STATES: Final[Mapping[str, RemoteState]] = {
    "CREATING": "queued",
    "PENDING": "queued",
    "VALIDATING": "queued",
    "CREATING_INPUT_DATASET": "queued",
    "RE_QUEUEING": "queued",
    "RUNNING": "running",
    "WRITING_RESULTS": "running",
    "EVALUATION": "running",
    "CANCELLING": "running",
    "IDLE": "paused",
    "PAUSED": "paused",
    "COMPLETED": "succeeded",
    "EARLY_STOPPED": "succeeded",
    "FAILED": "failed",
    "EXPIRED": "failed",
    "CANCELLED": "cancelled",
    "DELETING": "cancelled",
    "DELETING_CLEANING_UP": "cancelled",
}
_READ: Final = frozenset({"name", "state", "status", "jobProgress", "outputModel", "estimatedCost", "displayName"})


class FireworksAi:
    """Trains LoRA adapters; see the contract for what the methods do."""

    id = "fireworks"
    title = "Fireworks AI"
    text = (
        "Trains LoRA adapters for open models. The adapter comes back and answers here; at Fireworks it answers from a "
        "dedicated deployment, which costs by the hour and is started in its console."
    )
    default_url = "https://api.fireworks.ai/inference/v1"
    capabilities = HostedCapabilities(methods=("lora",), adapter=True, metrics=False)
    file_rules = FileRules("", max_bytes=1 << 30, min_examples=3, max_examples=3_000_000, weights=True, tools=True)
    closes_on = ""
    key_hosts: Mapping[str, tuple[str, ...]] = {"FIREWORKS_API_KEY": ("api.fireworks.ai",)}
    hyperparameters = (
        whole("epochs", "epochs", 1, 50),
        decimal("rate", "learningRate", 1e-8, 0.1),
        Hyperparameter(
            "batchSize", "Batch size", "Tokens per optimizer step.", "int", "batchSize", low=1, high=1 << 20
        ),
        whole("rank", "loraRank", 4, 64, 8),
        whole("context", "maxContextLength", 512, 131_072),
        Hyperparameter(
            "earlyStop",
            "Early stopping",
            "Stop when the validation loss rises.",
            "bool",
            "earlyStop",
            False,
            auto=False,
        ),
    )

    def check(self, endpoint: Endpoint) -> None:
        with self._account(endpoint) as wire, jobs.listing():
            wire.get(_JOBS, pageSize=1)

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        with self._account(endpoint) as wire:
            found = list(_pages(wire, "/v1/accounts/fireworks/models", "models", filter="tunable=true"))
        return sorted((_base(model) for model in found if model.get("tunable")), key=lambda base: base.title or base.id)

    def upload(
        self, endpoint: Endpoint, path: Path, *, sha256: str, earlier: str = "", beat: Beat | None = None
    ) -> str:
        plan = uploads.UploadPlan(path, sha256, "", beat=beat)
        dataset = f"sft-{sha256[:40]}"  # the id must not begin with a digit
        with self._account(endpoint, transfer=True) as wire:
            state = _state_of(wire, dataset)
            if state == "READY":
                return dataset
            plan.verify()
            if state is None:
                kept = {"displayName": plan.name[:_NAME], "userUploaded": {}, "exampleCount": str(_lines(path))}
                wire.post("datasets", {"datasetId": dataset, "dataset": kept})
            self._send(endpoint, wire, dataset, plan)
            if _state_of(wire, dataset) not in ("READY", "UPLOADING"):
                raise LlmError("Fireworks did not keep the file.", "Try again.", cause="broken")
        return dataset

    def _send(self, endpoint: Endpoint, wire: Wire, dataset: str, plan: uploads.UploadPlan) -> None:
        with plan.path.open("rb") as stream:
            part = FileSlice(stream, 0, plan.size, plan.beat)
            if plan.size < _DIRECT_BYTES:
                wire.send("POST", f"datasets/{dataset}:upload", files={"file": (plan.name, part, uploads.MIME)})
                return
            asked = {"filenameToSize": {plan.name: plan.size}}
            urls = mapped(wire.post(f"datasets/{dataset}:getUploadEndpoint", asked).get("filenameToSignedUrls"))
            target = str(urls.get(plan.name) or "")
            length = {"Content-Type": uploads.BINARY, "Content-Length": str(plan.size)}
            length["x-goog-content-length-range"] = f"{plan.size},{plan.size}"
            with foreign(endpoint, target) as storage:
                storage.put(target, part, length)
        wire.post(f"datasets/{dataset}:validateUpload", {})

    def submit(self, endpoint: Endpoint, run: HostedRun) -> str:
        chosen = settings.placed(self.hyperparameters, settings.checked(self.hyperparameters, run.hyperparameters))
        with self._account(endpoint) as wire:
            for dataset in filter(None, (run.training_file, run.validation_file)):
                if _state_of(wire, dataset) != "READY":
                    text = "Fireworks is still reading the dataset."
                    raise LlmError(text, "It is tried again in a moment.", cause="server", retry_after_s=10.0)
            account = _account_of(wire)
            body = {
                "displayName": run.name.strip()[:_NAME] or _job_id(run.intent),
                "dataset": f"{account}/datasets/{run.training_file}",
                "baseModel": run.base_model,
                "outputModel": f"{account}/models/{_job_id(run.intent)}",
                **chosen,
            }
            if run.validation_file:
                body["evaluationDataset"] = f"{account}/datasets/{run.validation_file}"
            try:
                with jobs.creating():
                    wire.send("POST", _JOBS, params={"supervisedFineTuningJobId": _job_id(run.intent)}, json=body)
            except LlmError as error:
                if error.status != 409:  # it was created by an attempt whose answer was lost
                    raise
        return _job_id(run.intent)

    def find(self, endpoint: Endpoint, intent: str) -> str:
        with self._account(endpoint) as wire:
            try:
                wire.get(f"{_JOBS}/{_job_id(intent)}")
            except LlmError as error:
                if error.cause != "gone":
                    raise
                return ""
        return _job_id(intent)

    def status(self, endpoint: Endpoint, remote_id: str) -> HostedStatus:
        with self._account(endpoint) as wire:
            return _seen(wire.get(f"{_JOBS}/{quoted(remote_id)}"))

    def events(self, endpoint: Endpoint, remote_id: str, *, after: str = "") -> Sequence[HostedEvent]:
        """Fireworks has no list of events: the newest change of the job's state is one."""
        with self._account(endpoint) as wire:
            job = wire.get(f"{_JOBS}/{quoted(remote_id)}")
        word = str(job.get("state") or "").removeprefix("JOB_STATE_")
        at = epoch(job.get("updateTime") or job.get("createTime"))
        said = _message(job)
        event = HostedEvent(word, at, clean(f"{word.replace('_', ' ').capitalize()}. {said}".strip()))
        return [event] if word and word != after else []

    def points(self, endpoint: Endpoint, remote_id: str, *, after: int = -1) -> Sequence[HostedPoint]:
        return []

    def checkpoints(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedCheckpoint]:
        return []

    def act(self, endpoint: Endpoint, remote_id: str, action: RemoteAction) -> None:
        if action == "pause":
            raise LlmError("Fireworks cannot pause a job.", "Cancel it, or let it run.", cause="refused")
        path = f"{_JOBS}/{quoted(remote_id)}"
        with self._account(endpoint) as wire, jobs.acting(action, lambda: _seen(wire.get(path)).state):
            wire.post(f"{path}:{action}", {})

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        with self._account(endpoint) as wire:
            model = _seen(wire.get(f"{_JOBS}/{quoted(remote_id)}")).model
            if not model:
                return False
            urls = wire.get(f"models/{quoted(model.rpartition('/')[2])}:getDownloadEndpoint").get(
                "filenameToSignedUrls"
            )
        files = [(name, str(url)) for name, url in (urls or {}).items() if adapters.plain_name(name)]
        for number, (name, url) in enumerate(files):
            share = (lambda done, number=number: beat((number + done) / len(files))) if beat else None
            with foreign(endpoint, url) as storage:
                storage.download(url, into / adapters.plain_name(name), share)
        if not files:
            return False
        adapters.verify(into)
        return True

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        return None

    @contextmanager
    def _account(self, endpoint: Endpoint, *, transfer: bool = False) -> Iterator[Wire]:
        """A connection below the account of the address, or below the only account of the key."""
        path = urlsplit(endpoint.base_url).path
        if "/accounts/" not in path:
            with Wire(endpoint) as wire:
                names = [str(one.get("name") or "") for one in _pages(wire, "/v1/accounts", "accounts")]
            own = [name for name in names if name and name != "accounts/fireworks"]
            if len(own) != 1:
                text = f"The key belongs to {len(own)} Fireworks accounts."
                like = own[0] if own else "accounts/YOUR-ACCOUNT"
                raise LlmError(text, f"Enter the address https://api.fireworks.ai/v1/{like}.", cause="address")
            origin = urlsplit(endpoint.base_url)
            endpoint = replace(endpoint, base_url=f"{origin.scheme}://{origin.netloc}/v1/{own[0]}")
        with Wire(endpoint, transfer=transfer) as wire:
            yield wire


def _job_id(intent: str) -> str:
    return f"sft-{intents.mark(intent)}"


def _account_of(wire: Wire) -> str:
    return "accounts/" + urlsplit(wire.url("x")).path.split("/accounts/", 1)[1].split("/", 1)[0]


def _state_of(wire: Wire, dataset: str) -> str | None:
    """The state of a dataset; None where it does not exist."""
    try:
        return str(wire.get(f"datasets/{quoted(dataset)}").get("state") or "")
    except LlmError as error:
        if error.cause != "gone":
            raise
        return None


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _pages(wire: Wire, path: str, name: str, **params: Any) -> Iterator[Mapping[str, Any]]:
    token = ""
    for _ in range(MOST_PAGES):
        page = wire.get(path, pageSize=200, pageToken=token, **params)
        yield from (mapped(entry) for entry in listed(page.get(name)))
        token = str(page.get("nextPageToken") or "")
        if not token:
            return


def _base(model: Mapping[str, Any]) -> HostedBase:
    ends = model.get("deprecationDate")
    day = (
        f"{ends['year']:04d}-{ends['month']:02d}-{ends['day']:02d}"
        if isinstance(ends, Mapping) and all(isinstance(ends.get(part), int) for part in ("year", "month", "day"))
        else ""
    )
    length = measured.number(model.get("trainingContextLength") or model.get("contextLength"))
    read = ("name", "displayName", "deprecationDate")
    return HostedBase(
        id=str(model.get("name") or ""),
        title=clean(str(model.get("displayName") or "")),
        context_length=int(length) if length else None,
        shutdown_date=day,
        extra={name: value for name, value in model.items() if name not in read},
    )


def _message(job: Mapping[str, Any]) -> str:
    return clean(str(mapped(job.get("status")).get("message") or ""))


def _seen(job: Mapping[str, Any]) -> HostedStatus:
    word = clean(str(job.get("state") or "")).removeprefix("JOB_STATE_")
    state = _STATES.get(word)
    percent = measured.number(mapped(job.get("jobProgress")).get("percent"))
    return HostedStatus(
        state=state or "running",
        provider_status=word.replace("_", " ").lower(),
        known=state is not None,
        progress=1.0 if state == "succeeded" else min(max(percent / 100, 0.0), 1.0) if percent is not None else None,
        model=str(job.get("outputModel") or "") if state == "succeeded" else "",
        usd=_dollars(job.get("estimatedCost")) if state in jobs.ENDED else None,
        error=_message(job) if state == "failed" else "",
        extra={name: value for name, value in job.items() if name not in _READ},
    )


def _dollars(money: Any) -> float | None:
    """An amount of Google's type Money: units as text, and billionths."""
    if not isinstance(money, Mapping) or money.get("currencyCode") not in (None, "", "USD"):
        return None
    units, nanos = measured.number(money.get("units") or 0), measured.number(money.get("nanos") or 0)
    return None if units is None or nanos is None else units + nanos / 1e9
