"""A small hosted service that keeps its jobs in a file: the tests say what it answers, and read what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import update

from core.models.llm.base import Endpoint
from core.models.llm.failures import LlmError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from core.services.training import jobs, models
from core.services.training.hosted import bases
from core.services.training.models import ModelRecord
from core.training.providers import PROVIDERS
from core.training.providers.hosted import (
    FileRules,
    HostedBase,
    HostedCapabilities,
    HostedCheckpoint,
    HostedEvent,
    HostedPoint,
    HostedRun,
    HostedStatus,
    Hyperparameter,
)
from core.training.providers.hosted_provider import HostedProvider
from core.training.providers.hosted_services import HOSTED_SERVICES
from tests.support.jobs import make_dataset
from tests.support.registry import registered
from worker import run

NOTHING: dict[str, Any] = {"jobs": {}, "files": {}, "calls": [], "fail": {}, "bases": ["small", "large"]}


class Notebook:
    """The service. Its file: `jobs` by id, `files` by id, `calls` in their order, and `fail`: per call, the errors
    that its next uses raise."""

    id, title = "notebook", "Notebook"
    text = "A service of the tests."
    default_url = "http://127.0.0.1:9/v1"
    capabilities = HostedCapabilities(methods=("lora",), pause=True, checkpoints=True, adapter=True)
    file_rules = FileRules("fine-tune", max_bytes=100_000, min_examples=12)
    hyperparameters = (
        Hyperparameter("n_epochs", "Epochs", "Passes.", "int", "hyperparameters.n_epochs", low=1, high=50),
        Hyperparameter("speed", "Speed", "How fast.", "choice", "speed", choices=("slow", "fast")),
    )
    key_hosts: Mapping[str, tuple[str, ...]] = {}
    closes_on = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(json.loads(json.dumps(NOTHING)))

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text()))

    def write(self, state: dict[str, Any]) -> None:
        self.path.write_text(json.dumps(state))

    def fail(self, call: str, *errors: tuple[str, str]) -> None:
        """Let the next uses of a call raise LlmErrors: (message, cause)."""
        self.write(self.read() | {"fail": self.read()["fail"] | {call: list(errors)}})

    def job(self, **changes: Any) -> dict[str, Any]:
        """Change the only job, and return it."""
        state = self.read()
        (name,) = state["jobs"]
        state["jobs"][name] |= changes
        self.write(state)
        return dict(state["jobs"][name])

    @property
    def calls(self) -> list[str]:
        return [str(call) for call in self.read()["calls"]]

    def _asked(self, call: str) -> dict[str, Any]:
        state = self.read()
        state["calls"].append(call)
        errors = state["fail"].get(call) or []
        raised = errors.pop(0) if errors else None
        self.write(state)
        if raised:
            raise LlmError(raised[0], cause=raised[1])
        return state

    def check(self, endpoint: Endpoint) -> None:
        self._asked("check")

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        return [HostedBase(name, price_usd=3.0) for name in self._asked("base_models")["bases"]]

    def upload(self, endpoint: Endpoint, path: Path, *, sha256: str, earlier: str = "", beat: Any = None) -> str:
        state = self._asked("upload")
        if earlier and state["files"].get(earlier) == sha256:
            return earlier
        name = f"file-{len(state['files'])}"
        state["files"][name] = sha256
        self.write(state)
        if beat:
            beat(1.0)
        return name

    def submit(self, endpoint: Endpoint, run: HostedRun) -> str:
        state = self._asked("submit")
        name = f"remote-{len(state['jobs'])}"
        state["jobs"][name] = {
            "intent": run.intent, "state": "queued", "word": "in_line", "base": run.base_model,
            "hyperparameters": dict(run.hyperparameters), "files": [run.training_file, run.validation_file],
            "events": [], "points": [], "seed": run.seed,
        }  # fmt: skip
        self.write(state)
        return name

    def find(self, endpoint: Endpoint, intent: str) -> str:
        jobs = self._asked("find")["jobs"].items()
        return next((name for name, job in jobs if job["intent"] == intent), "")

    def status(self, endpoint: Endpoint, remote_id: str) -> HostedStatus:
        job = self._asked("status")["jobs"][remote_id]
        return HostedStatus(
            job["state"], job["word"], known=job.get("known", True), progress=job.get("progress"),
            model=job.get("model", ""), error=job.get("error", ""), trained_tokens=job.get("tokens"),
            total_steps=job.get("total_steps"), usd=job.get("usd"),
        )  # fmt: skip

    def events(self, endpoint: Endpoint, remote_id: str, *, after: str = "") -> Sequence[HostedEvent]:
        events = [HostedEvent(*event) for event in self.read()["jobs"][remote_id]["events"]]
        ids = [event.id for event in events]
        return events[ids.index(after) + 1 if after in ids else 0 :]

    def points(self, endpoint: Endpoint, remote_id: str, *, after: int = -1) -> Sequence[HostedPoint]:
        points = [HostedPoint(*point) for point in self.read()["jobs"][remote_id]["points"]]
        return [point for point in points if point.step > after]

    def checkpoints(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedCheckpoint]:
        return [HostedCheckpoint("cp-1", 5, "small:cp-1")]

    def act(self, endpoint: Endpoint, remote_id: str, action: str) -> None:
        self._asked(action)
        state = self.read()
        to = {"cancel": "cancelled", "pause": "paused", "resume": "running"}[action]
        state["jobs"][remote_id] |= {"state": to, "word": to}
        self.write(state)

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Any = None) -> bool:
        files = self._asked("fetch").get("adapter")
        for name, text in (files or {}).items():
            (into / name).write_text(text)
        return files is not None

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        return None


@contextmanager
def notebook(path: Path) -> Iterator[Notebook]:
    """The service, registered as every service is."""
    service = Notebook(path)
    bases._known.clear()
    with registered(HOSTED_SERVICES, service), registered(PROVIDERS, HostedProvider(service)):
        yield service


def connect(name: str = "Cloud", url: str = Notebook.default_url) -> ConnectionRecord:
    """A connection that trains there."""
    return connections.save(name=name, kind="openai", base_url=url, key="secret", training="notebook")


def tuned_there(
    service: Notebook,
    url: str,
    *,
    name: str = "Items there",
    model: str = "small:tuned",
    hyperparameters: Mapping[str, Any] | None = None,
) -> ModelRecord:
    """A model that was trained there and only answers there, at this address."""
    dataset = make_dataset(name, validation=2)
    job = jobs.create(
        dataset_id=dataset.id, name=name, draft_key=None, connection=connect(url=url).id, base_model="small",
        method="lora", hyperparameters=hyperparameters or {},
    )  # fmt: skip
    visit(job.task_id)
    service.job(state="succeeded", word="done", model=model)
    return models.get_model(visit(job.task_id).result["model_id"])


def visit(task_id: str, *, due: bool = True) -> TaskRecord:
    """One visit, as a worker does it when it is due."""
    if due:
        with UnitOfWork() as uow:
            uow.execute(update(store.TASKS).where(store.TASKS.c.id == task_id).values(not_before=1.0))
            uow.commit()
    run.execute(task_id, "visitor")
    return store.get(task_id)
