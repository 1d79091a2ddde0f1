"""The demo: one click from a shipped sample to base and tuned model side by side. Everything in it is made here.

Four things are created at once, each waiting for the one before: the dataset, the base, the training, the test.
Nothing has to drive them but the workers; this module only looks at how far they are.

The test is an evaluation. A sample that teaches decisions (tickets) is tested on its test split, field by field. One
that teaches facts (support) is tested for exact answers to what was taught and to the same questions in other words.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from core.data.samples import SAMPLES, SampleDataset
from core.errors import DataError, NotFound, StudioError
from core.models import base_models
from core.models.base_models import BaseModelRef
from core.models.methods import METHODS
from core.models.methods.presets import Preset
from core.platform.db.tables import Draft
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.platform import drafts, tasks
from core.services.platform.drafts import DraftRecord
from core.services.serving import evaluating
from core.services.serving.evaluating import EvaluationRecord, PartReport, testing
from core.services.training import jobs, starter
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.records import JobRecord
from core.text import format_loss, plural
from core.training.metrics import final_loss_text

KIND: Final = "demo"
STARTER: Final = "starter"
REAL: Final = "HuggingFaceTB/SmolLM2-135M-Instruct"
BASES: Final = (STARTER, REAL)
SAMPLE: Final = "tickets"
METHOD: Final = "lora"
STALE_S: Final = 60.0  # a demo without its dataset after this long lost the process that began it
State = Literal["waiting", "running", "done", "failed"]

# Settings that differ from the preset, by sample and base. Measured: `bench/RESULTS.md`.
_PRESETS: Final[Mapping[tuple[str, str], Preset]] = {
    ("tickets", STARTER): Preset(
        {"rank": 32, "alpha": 64},
        {"num_epochs": 16, "learning_rate": 2e-3, "per_device_batch_size": 4, "gradient_accumulation_steps": 1},
    ),
}


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
    """How far a demo is.

    Attributes:
        sample: the id of its sample.
        base_model, base_title: what it tunes.
        report: once it is tested, the figures and answers of each part: of a sample of decisions those of the test
            split by source, of a sample of facts those of the training and the held-out examples.
    """

    id: str
    sample: str
    base_model: str
    base_title: str
    state: State
    steps: tuple[DemoStep, ...]
    dataset_id: str | None
    job_id: str | None
    model_id: str | None
    report: tuple[PartReport, ...]
    error: str

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed")

    @property
    def tested(self) -> bool:
        return bool(self.report)

    @property
    def by_split(self) -> bool:
        """Whether the parts of the report are splits, of a sample that teaches facts."""
        return sample(self.sample).teaches == "facts"


def sample(sample_id: str) -> SampleDataset:
    """A shipped dataset that a demo trains on. Raises NotFound."""
    return SAMPLES.get(sample_id)


def bases() -> list[BaseModelRef]:
    """The base models of the demo, the starter first; another one is ready once it was downloaded."""
    return [base_models.resolve(base) for base in BASES]


def start(
    *, again: bool = False, method: str = METHOD, sample_id: str = SAMPLE, base_model: str = STARTER
) -> DemoRecord:
    """Begin the demo; one that is under way, or that has worked, is returned instead of a second one.

    Args:
        again: begin a new one even after one that has worked.
        method: how to train.
        sample_id: the sample to train on.
        base_model: what to tune. Each method, sample and base has separate demos.

    Raises:
        NotFound: no such method, sample or base.
        DataError: the base is not on this machine.
    """
    METHODS.get(method)
    base = base_models.resolve(base_model)
    sample_id = sample(sample_id).id
    if not (base.ready or base.buildable):
        raise DataError(base.reason, "Fetch it first, or run the demo with the starter.")
    choices = {"method": method, "sample": sample_id, "base_model": base.id}
    ids = _ids()
    for demo_id in ids:
        if _choices(drafts.get(demo_id)) != choices:
            continue
        record = status(demo_id)
        if not record.finished or (record.state == "done" and not again):
            return record
    return _begin(f"demo_{len(ids) + 1}", choices)


def current() -> DemoRecord | None:
    """The newest demo, or None before the first."""
    ids = _ids()
    return status(ids[-1]) if ids else None


def newest(sample_id: str) -> DemoRecord | None:
    """The newest demo of a sample, or None before the first."""
    return next(_of_sample(sample_id), None)


def newest_result(sample_id: str) -> DemoRecord | None:
    """The newest demo of a sample that was tested, or None."""
    return next((record for record in _of_sample(sample_id) if record.tested), None)


def _of_sample(sample_id: str) -> Iterator[DemoRecord]:
    """The demos of a sample, newest first."""
    for demo_id in reversed(_ids()):
        if _choices(drafts.get(demo_id))["sample"] == sample_id:
            yield status(demo_id)


def status(demo_id: str) -> DemoRecord:
    """How far a demo is. Raises NotFound."""
    draft = drafts.get(demo_id)
    if draft.kind != KIND:
        raise NotFound(f"There is no demo {demo_id}.", "Start one from Home.")
    job = _job(draft.state.get("job_id"))
    test = tasks.get_task(draft.state["test_task_id"]) if draft.state.get("test_task_id") else None
    choices = _choices(draft)
    base_step = _starter_step(job) if choices["base_model"] == STARTER else _base_step(choices["base_model"])
    evaluation = _evaluation(test)
    steps = (_dataset_step(draft), base_step, _training_step(job), _test_step(test, evaluation))
    failed = next((step for step in steps if step.state == "failed"), None)
    done = all(step.state == "done" for step in steps)
    return DemoRecord(
        id=demo_id,
        sample=choices["sample"],
        base_model=choices["base_model"],
        base_title=base_models.title_of(choices["base_model"]),
        state="failed" if failed else "done" if done else "running",
        steps=steps,
        dataset_id=draft.state.get("dataset_id"),
        job_id=job.id if job else None,
        model_id=job.model_id if job else None,
        report=evaluating.newest_report(evaluation) if evaluation else (),
        error=failed.detail if failed else draft.state.get("error", ""),
    )


def _choices(draft: DraftRecord) -> dict[str, str]:
    """Method, sample and base; demos of older releases had one sample and one base."""
    before = {"method": METHOD, "sample": "support", "base_model": STARTER}
    return {name: str(draft.state.get(name, value)) for name, value in before.items()}


def _begin(demo_id: str, choices: Mapping[str, str]) -> DemoRecord:
    """Make everything, once: the row's key decides between two clicks at the same moment."""
    try:
        with UnitOfWork() as uow:
            uow.session.add(Draft(id=demo_id, kind=KIND, step="started", state=dict(choices)))
            uow.commit()
    except IntegrityError:
        return status(demo_id)
    chosen, base_model = sample(choices["sample"]), choices["base_model"]
    # Another method than the demo's own keeps its preset: a learning rate suits one method only.
    preset = _PRESETS.get((chosen.id, base_model), Preset()) if choices["method"] == METHOD else Preset()
    try:
        dataset = _sample_dataset(chosen)
        note(demo_id, dataset_id=dataset.id)
        job = jobs.create(
            name=jobs.suggest_name(dataset.id, base_model),
            description="Made by the demo.",
            dataset_id=dataset.id,
            base_model=base_model,
            method=choices["method"],
            method_config=dict(preset.method),
            training=dict(preset.training),
            draft_key=f"demo:{demo_id}",
        )
        note(demo_id, job_id=job.id)
        test = testing.start_after(job, *(("test",) if chosen.teaches == "decisions" else ("", "exact_match")))
        note(demo_id, test_task_id=test.task_id)
    except StudioError as error:
        note(demo_id, error=str(error))
    return status(demo_id)


def _sample_dataset(sample: SampleDataset) -> DatasetRecord:
    """The shipped sample as a dataset: the one that is here already, else a new one."""
    existing = [
        dataset for dataset in datasets.list_datasets(include_archived=True) if dataset.name.startswith(sample.name)
    ]
    for dataset in existing:
        wanted = {"train": len(sample.train), "validation": len(sample.validation), "test": len(sample.test)}
        complete = dataset.version.parts == {split: count for split, count in wanted.items() if count}
        if not dataset.archived_at and dataset.origin == "sample" and dataset.state == "validated" and complete:
            return dataset
    name = f"{sample.name} ({len(existing) + 1})" if existing else sample.name
    return datasets.create_dataset(
        name, sample.train, sample.validation, origin="sample", description=sample.description, test=sample.test
    )


def note(demo_id: str, **values: str | float | bool) -> None:
    """Record something about a demo in its row."""
    with UnitOfWork() as uow:
        draft = uow.session.get(Draft, demo_id)
        if draft is not None:
            draft.state = {**draft.state, **values}
            draft.revision += 1
            draft.result_id = str(values["job_id"]) if "job_id" in values else draft.result_id
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
    return step("done", f"{version.size_text}.", 100.0)


def _starter_step(job: JobRecord | None) -> DemoStep:
    step = partial(DemoStep, "starter", "Build the starter model")
    now = starter.status()
    if now.ready or (job is not None and job.started_at is not None):
        return step("done", "A small language model, built on this machine.", 100.0)
    if now.building:
        return step("running" if now.progress else "waiting", now.text, now.progress)
    return step("failed" if job else "waiting", now.text, 0.0)


def _base_step(base_model: str) -> DemoStep:
    base = base_models.resolve(base_model)
    step = partial(DemoStep, "base", f"Load {base.title}")
    return (
        step("done", f"{base.size} parameters, on this machine.", 100.0)
        if base.ready
        else step("failed", base.reason, 0.0)
    )


def _training_step(job: JobRecord | None) -> DemoStep:
    step = partial(DemoStep, "training", "Train on the pairs")
    if job is None:
        return step("waiting", "", 0.0)
    detail = job.waiting_reason or job.message
    if job.state == "running" and job.loss is not None:
        detail = f"Step {job.step:,} of {job.total_steps:,}, loss {format_loss(job.loss)}"
    if job.state == "succeeded":
        detail = "; ".join(part for part in (plural(job.step, "step"), final_loss_text(job.final_loss)) if part)
    if job.state in ("failed", "cancelled"):
        detail = job.error.get("message") or "It was cancelled."
    return step(_state(job.state), detail, job.progress)


def _evaluation(test: TaskRecord | None) -> EvaluationRecord | None:
    """The evaluation that the demo's test is; None before it is created, and after it was deleted."""
    try:
        return evaluating.get(str(test.payload.get("evaluation_id"))) if test else None
    except NotFound:
        return None


def _test_step(task: TaskRecord | None, evaluation: EvaluationRecord | None) -> DemoStep:
    step = partial(DemoStep, "test", "Ask both models")
    if task is None:
        return step("waiting", "", 0.0)
    if evaluation is None:
        return step("failed", "The evaluation of the demo was deleted. Start the demo again.", 0.0)
    detail = task.message if task.state != "failed" else str(task.error.get("message", ""))
    if task.state == "succeeded" and evaluation.summary and evaluation.summary.models:
        asked = plural(evaluation.summary.models[0].answered, "example")
        detail = f"{asked} asked, of which the training saw {'some' if not evaluation.split else 'none'}."
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
