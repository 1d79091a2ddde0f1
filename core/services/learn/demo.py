"""The demo: one click from the shipped sample to base and tuned model side by side. Everything in it is made here.

Four things are created at once, each waiting for the one before: the dataset, the starter, the training, the test.
Nothing has to drive them but the workers; this module only looks at how far they are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from core.data.samples import SampleDataset, load_sample
from core.errors import NotFound, StudioError
from core.models.methods import METHODS
from core.platform.db.tables import Draft
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.platform import drafts, tasks
from core.services.platform.drafts import DraftRecord
from core.services.training import jobs, models, starter
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.records import JobRecord
from core.services.training.results import ExactMatchResult

KIND: Final = "demo"
BASE: Final = "starter"
METHOD: Final = "lora"
STALE_S: Final = 60.0  # a demo without its dataset after this long lost the process that began it
State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step; `percent` is 0-100 of this step."""

    id: str
    title: str
    state: State
    detail: str
    percent: float


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """How far the demo is. `exact_match` is there once the test has run."""

    id: str
    state: State
    steps: tuple[DemoStep, ...]
    dataset_id: str | None
    job_id: str | None
    model_id: str | None
    exact_match: ExactMatchResult | None
    error: str

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed")


def sample() -> SampleDataset:
    """The shipped dataset that the demo trains on."""
    return load_sample()


def start(*, again: bool = False, method: str = METHOD) -> DemoRecord:
    """Begin the demo; a demo that is under way, or that has worked, is returned instead of a second one.

    Args:
        again: begin a new one even after one that has worked.
        method: how to train; each method has separate demos.

    Raises:
        NotFound: no such method.
    """
    METHODS.get(method)
    ids = _ids()
    for demo_id in ids:
        if drafts.get(demo_id).state.get("method", METHOD) != method:
            continue
        record = status(demo_id)
        if not record.finished or (record.state == "done" and not again):
            return record
    return _begin(f"demo_{len(ids) + 1}", method)


def current() -> DemoRecord | None:
    """The newest demo, or None before the first."""
    ids = _ids()
    return status(ids[-1]) if ids else None


def status(demo_id: str) -> DemoRecord:
    """How far a demo is. Raises NotFound."""
    draft = drafts.get(demo_id)
    if draft.kind != KIND:
        raise NotFound(f"There is no demo {demo_id}.", "Start one from Home.")
    job = _job(draft.state.get("job_id"))
    test = tasks.get_task(draft.state["test_task_id"]) if draft.state.get("test_task_id") else None
    steps = (_dataset_step(draft), _starter_step(job), _training_step(job), _test_step(test))
    failed = next((step for step in steps if step.state == "failed"), None)
    done = all(step.state == "done" for step in steps)
    return DemoRecord(
        id=demo_id,
        state="failed" if failed else "done" if done else "running",
        steps=steps,
        dataset_id=draft.state.get("dataset_id"),
        job_id=job.id if job else None,
        model_id=job.model_id if job else None,
        exact_match=ExactMatchResult.of(test) if test and test.state == "succeeded" else None,
        error=failed.detail if failed else draft.state.get("error", ""),
    )


def _begin(demo_id: str, method: str) -> DemoRecord:
    """Make everything, once: the row's key decides between two clicks at the same moment."""
    try:
        with UnitOfWork() as uow:
            uow.session.add(Draft(id=demo_id, kind=KIND, step="started", state={"method": method}))
            uow.commit()
    except IntegrityError:
        return status(demo_id)
    try:
        dataset = _sample_dataset()
        _note(demo_id, dataset_id=dataset.id)
        job = jobs.create(
            name=jobs.suggest_name(dataset.id, BASE),
            description="Made by the demo.",
            dataset_id=dataset.id,
            base_model=BASE,
            method=method,
            draft_key=f"demo:{demo_id}",
        )
        _note(demo_id, job_id=job.id)
        test = models.evaluate_after(job.id, dataset.version.id, f"Test “{job.name}”", after_task_id=job.task_id)
        _note(demo_id, test_task_id=test.id)
    except StudioError as error:
        _note(demo_id, error=str(error))
    return status(demo_id)


def _sample_dataset() -> DatasetRecord:
    """The shipped sample as a dataset: the one that is here already, else a new one."""
    sample = load_sample()
    existing = [dataset for dataset in datasets.list_datasets() if dataset.name.startswith(sample.name)]
    for dataset in existing:
        counts = (dataset.version.train_examples, dataset.version.validation_examples)
        complete = counts == (len(sample.train), len(sample.validation))
        if dataset.origin == "sample" and dataset.state == "validated" and complete:
            return dataset
    name = f"{sample.name} ({len(existing) + 1})" if existing else sample.name
    return datasets.create_dataset(
        name, sample.train, sample.validation, origin="sample", description=sample.description
    )


def _note(demo_id: str, **values: str) -> None:
    with UnitOfWork() as uow:
        draft = uow.session.get(Draft, demo_id)
        if draft is not None:
            draft.state = {**draft.state, **values}
            draft.revision += 1
            draft.result_id = values.get("job_id", draft.result_id)
            uow.session.add(draft)
            uow.commit()


def _ids() -> list[str]:
    """Every demo that was started, oldest first."""
    with UnitOfWork(write=False) as uow:
        return list(uow.session.exec(select(Draft.id).where(Draft.kind == KIND).order_by(col(Draft.created_at))))


def _dataset_step(draft: DraftRecord) -> DemoStep:
    step = partial(DemoStep, "dataset", "Prepare labeled examples")
    if draft.state.get("error") and not draft.state.get("job_id"):
        return step("failed", draft.state["error"], 0.0)
    dataset_id = draft.state.get("dataset_id")
    if not dataset_id:
        if time.time() - draft.created_at > STALE_S:
            return step("failed", "It was interrupted. Start the demo again.", 0.0)
        return step("running", "Reading the sample.", 0.0)
    try:
        version = datasets.get_dataset(dataset_id).version
    except NotFound:
        return step("failed", "The demo's dataset was deleted. Start the demo again.", 0.0)
    text = f"{version.train_examples} input → output pairs; {version.validation_examples} paraphrased questions apart."
    return step("done", text, 100.0)


def _starter_step(job: JobRecord | None) -> DemoStep:
    step = partial(DemoStep, "starter", "Build the starter model")
    now = starter.status()
    if now.ready or (job is not None and job.started_at is not None):
        return step("done", "A small language model, made on this machine.", 100.0)
    if now.building:
        return step("running" if now.progress else "waiting", now.text, now.progress)
    return step("failed" if job else "waiting", now.text, 0.0)


def _training_step(job: JobRecord | None) -> DemoStep:
    step = partial(DemoStep, "training", "Train on the pairs")
    if job is None:
        return step("waiting", "", 0.0)
    detail = job.waiting_reason or job.message
    if job.state == "running" and job.loss is not None:
        detail = f"Step {job.step:,} of {job.total_steps:,}, loss {job.loss:.3f}"
    if job.state == "succeeded":
        detail = f"{job.total_steps:,} steps; final loss {job.loss:.3f}" if job.loss is not None else "Trained."
    if job.state in ("failed", "cancelled"):
        detail = job.error.get("message") or "It was cancelled."
    return step(_state(job.state), detail, job.progress)


def _test_step(task: TaskRecord | None) -> DemoStep:
    step = partial(DemoStep, "test", "Ask both models every question")
    if task is None:
        return step("waiting", "", 0.0)
    detail = task.message if task.state != "failed" else str(task.error.get("message", ""))
    if task.state == "succeeded":
        result = ExactMatchResult.of(task)
        tuned, base = result.tuned.train or 0.0, result.base.train or 0.0
        detail = f"Exact answers to what was taught: tuned {tuned:.0%}, base {base:.0%}."
    return step(_state(task.state), detail, task.progress)


def _state(state: str) -> State:
    if state == "succeeded":
        return "done"
    if state in ("failed", "cancelled"):
        return "failed"
    return "waiting" if state in ("pending", "paused") else "running"


def _job(job_id: str | None) -> JobRecord | None:
    try:
        return job_reader.get_job(job_id) if job_id else None
    except NotFound:
        return None
