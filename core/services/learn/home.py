"""The home screen in one call: counts, the journey whose steps tick themselves, and what happened last."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from core.platform.db.tables import (
    CORRECTIONS,
    DATASETS,
    EVALUATED_MODELS,
    EVENTS,
    FEEDBACK,
    JOBS,
    MODELS,
    TASKS,
    VERSIONS,
)
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.kinds import KINDS
from core.platform.tasks.states import STATES
from core.services.serving.chat import USED
from core.services.training import choices
from core.services.training.choices import BaseModelRef
from core.text import plural
from core.training.metrics import final_loss_text

DAYS: Final = 8
ACTIVITY: Final = 6


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """One step from a file to a model in use. `page` names the screen where it is done."""

    id: str
    title: str
    done: bool
    detail: str
    page: str


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that changed: a dataset, a job, a model, or another background task (`at`: Unix seconds)."""

    kind: str  # dataset | job | model | task
    id: str
    title: str
    detail: str
    state: str
    at: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts, their cumulative series over the last days (oldest first), the journey and the newest activity."""

    datasets: int
    examples: int
    train_examples: int
    ready_datasets: int
    jobs: int
    jobs_by_state: dict[str, int]
    models: int
    active_models: int
    datasets_series: tuple[int, ...]
    examples_series: tuple[int, ...]
    jobs_series: tuple[int, ...]
    models_series: tuple[int, ...]
    journey: tuple[JourneyStep, ...]
    activity: tuple[Activity, ...]

    @property
    def ready_text(self) -> str:
        return f"{self.ready_datasets:,} ready for supervised learning"

    @property
    def is_empty(self) -> bool:
        return not (self.datasets or self.jobs)


def unused_real_model() -> BaseModelRef | None:
    """The suggested real model, on this machine or not; None once a job has used it."""
    base = choices.suggested_base()
    if base is None:
        return None
    with UnitOfWork(write=False) as uow:
        used = uow.execute(select(JOBS.c.id).where(JOBS.c.base_model == base.id).limit(1)).first()
    return None if used else base


def overview() -> Overview:
    """Read it all in one transaction."""
    with UnitOfWork(write=False) as uow:
        ask = uow.execute
        datasets = ask(
            select(
                *(DATASETS.c[name] for name in ("id", "name", "state", "created_at")),
                VERSIONS.c.examples,
                VERSIONS.c.train_examples,
            )
            .outerjoin(VERSIONS, VERSIONS.c.id == DATASETS.c.current_version_id)
            .where(DATASETS.c.deleted_at.is_(None), DATASETS.c.archived_at.is_(None))
        ).all()
        jobs = ask(
            select(
                *(JOBS.c[name] for name in ("id", "name", "dataset_id", "parent_job_id", "created_at")),
                *(TASKS.c[name] for name in ("state", "updated_at")),
            )
            .join(TASKS, TASKS.c.id == JOBS.c.task_id)
            .where(JOBS.c.deleted_at.is_(None), JOBS.c.archived_at.is_(None))
            .order_by(TASKS.c.updated_at.desc())
        ).all()
        models = ask(
            select(MODELS.c.id, MODELS.c.name, MODELS.c.state, MODELS.c.final_loss, MODELS.c.created_at).order_by(
                MODELS.c.created_at.desc()
            )
        ).all()
        other = ask(
            select(TASKS.c.id, TASKS.c.title, TASKS.c.state, TASKS.c.message, TASKS.c.updated_at)
            .where(
                TASKS.c.archived_at.is_(None),
                TASKS.c.kind.not_in([kind.id for kind in KINDS if kind.shown_as_result or kind.quiet]),
            )
            .order_by(TASKS.c.updated_at.desc())
            .limit(ACTIVITY)
        ).all()
        chatted = ask(select(func.count()).where(EVENTS.c.kind == USED)).scalar_one()
        tested, *opinions = (
            ask(select(func.count()).select_from(table)).scalar_one()
            for table in (EVALUATED_MODELS, FEEDBACK, CORRECTIONS)
        )
    by_state = dict.fromkeys(STATES, 0)
    for job in jobs:
        by_state[job.state] += 1
    ready = [row for row in datasets if row.state == "validated"]
    active = [row for row in models if row.state == "active"]
    return Overview(
        datasets=len(datasets),
        examples=sum(row.examples or 0 for row in datasets),
        train_examples=sum(row.train_examples or 0 for row in datasets),
        ready_datasets=len(ready),
        jobs=len(jobs),
        jobs_by_state=by_state,
        models=len(models),
        active_models=len(active),
        datasets_series=_series([(row.created_at, 1) for row in datasets]),
        examples_series=_series([(row.created_at, row.examples or 0) for row in datasets]),
        jobs_series=_series([(row.created_at, 1) for row in jobs]),
        models_series=_series([(row.created_at, 1) for row in models]),
        journey=_journey(datasets, ready, jobs, models, active, tries=chatted + tested, opinions=sum(opinions)),
        activity=_activity(datasets, jobs, models, other),
    )


def _journey(
    datasets: Any, ready: Any, jobs: Any, models: Any, active: Any, tries: int, opinions: int
) -> tuple[JourneyStep, ...]:
    trained = [job for job in jobs if job.state == "succeeded"]
    repeated = len({job.dataset_id for job in trained}) < len(trained)
    again = repeated or bool({job.parent_job_id for job in trained} & {job.id for job in trained})
    return (
        JourneyStep("prepare", "Prepare labeled examples", bool(datasets), plural(len(datasets), "dataset"), "upload"),
        JourneyStep("validate", "Validate them", bool(ready), f"{plural(len(ready), 'dataset')} ready", "datasets"),
        JourneyStep("train", "Train a model", bool(models), plural(len(models), "model"), "new_job"),
        JourneyStep("deploy", "Deploy it here", bool(active), f"{plural(len(active), 'model')} served", "models"),
        JourneyStep("test", "Test it", bool(tries), "Ask it, or compare it with its base", "compare"),
        JourneyStep(
            "feedback",
            "Collect feedback",
            bool(opinions),
            plural(opinions, "rating or correction", "ratings and corrections"),
            "feedback",
        ),
        JourneyStep("retrain", "Retrain", again, "Better examples, another run", "jobs"),
    )


def _about_model(final_loss: float | None) -> str:
    text = final_loss_text(final_loss)
    return f"Fine-tuned model, {text}" if text else "Fine-tuned model"


def _series(items: list[tuple[float, int]]) -> tuple[int, ...]:
    """How much there was at the end of each of the last days, today last."""
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    ends = [midnight - 86_400 * back for back in range(DAYS - 2, -1, -1)] + [time.time() + 1]
    return tuple(sum(size for at, size in items if at < end) for end in ends)


def _activity(datasets: Any, jobs: Any, models: Any, other: Any) -> tuple[Activity, ...]:
    found = [
        Activity("dataset", row.id, row.name, f"{row.examples or 0:,} labeled examples", row.state, row.created_at)
        for row in datasets
    ]
    found += [
        Activity("job", row.id, row.name, "Supervised fine-tuning job", row.state, row.updated_at)
        for row in jobs[:ACTIVITY]
    ]
    found += [
        Activity("model", row.id, row.name, _about_model(row.final_loss), row.state, row.created_at)
        for row in models[:ACTIVITY]
    ]
    found += [Activity("task", row.id, row.title, row.message, row.state, row.updated_at) for row in other]
    return tuple(sorted(found, key=lambda item: -item.at)[:ACTIVITY])
