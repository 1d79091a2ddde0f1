"""Jobs as records: a few queries for any number of jobs, so that polling is cheap."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from core.errors import Conflict, NotFound, SettingsError
from core.models import base_models, methods
from core.platform.db import cursors
from core.platform.db.tables import DATASETS, JOBS, MODELS, POINTS, TASKS, VERSIONS
from core.platform.db.uow import read
from core.platform.tasks import commands
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.states import ACTIONS, STATES
from core.services.platform import tasks
from core.services.training import hosted, metrics
from core.services.training.hosted import HostedFacts
from core.services.training.jobs import time_left
from core.services.training.jobs.records import JobRecord
from core.training.jobs.spec import JobSpec
from core.training.metrics import Point
from core.training.providers import PROVIDERS

NEEDS_DATASET = ("retry", "keep")  # a worker reads the examples before either
NEWEST = 200  # jobs of a list, unless more are asked for
_KEPT = JOBS.c.deleted_at.is_(None)


def get_job(job_id: str, *, with_deleted: bool = False) -> JobRecord:
    """The job now. Raises NotFound.

    Args:
        with_deleted: also a job that was deleted: its model needs the settings that it was trained with.
    """
    jobs = read_jobs(JOBS.c.id == job_id, with_deleted=with_deleted)
    if not jobs:
        raise NotFound(f"There is no job {job_id}.", "Open Jobs for the list.")
    return jobs[0]


def find_job(name_or_id: str) -> JobRecord:
    """The job with this id, or the only one with this name.

    Raises:
        NotFound: there is none. Conflict: several have the name; lists their ids.
    """
    matches = read_jobs((JOBS.c.id == name_or_id) | (JOBS.c.name == name_or_id))
    matches = [job for job in matches if job.id == name_or_id] or matches
    if not matches:
        raise NotFound(f"There is no job {name_or_id!r}.", "`sft jobs` lists the jobs with their ids and names.")
    if len(matches) > 1:
        ids = ", ".join(job.id for job in matches)
        raise Conflict(f"{len(matches)} jobs are named {name_or_id!r}.", f"Use one of their ids (newest first): {ids}.")
    return matches[0]


def list_jobs(
    *,
    state: str | None = None,
    limit: int = NEWEST,
    offset: int = 0,
    include_archived: bool = False,
    after: str = "",
) -> list[JobRecord]:
    """Jobs, newest first. Raises SettingsError for an unknown state, and as `cursors.after`.

    Args:
        after: the id of the last job of the page before.
    """
    if state is not None and state not in STATES:
        raise SettingsError(f"Unknown state {state!r}.", f"Choose one of: {', '.join(STATES)}.")
    conditions = [cursors.after(JOBS, after), *([TASKS.c.state == state] if state else [])]
    if not include_archived:
        conditions.append(JOBS.c.archived_at.is_(None))
    return read_jobs(*conditions, limit=limit, offset=offset)


def count_jobs(*, include_archived: bool = False) -> Counter[str]:
    """How many jobs are in each state."""
    query = select(TASKS.c.state, func.count()).join(JOBS, JOBS.c.task_id == TASKS.c.id).where(_KEPT)
    if not include_archived:
        query = query.where(JOBS.c.archived_at.is_(None))
    return Counter(dict(read(query.group_by(TASKS.c.state))))


def names_of_measured(limit: int = NEWEST) -> dict[str, str]:
    """The ids and names of the newest jobs that have metric points, newest first."""
    measured = select(POINTS.c.id).where(POINTS.c.job_id == JOBS.c.id, POINTS.c.step > 0).exists()
    shown = _KEPT & JOBS.c.archived_at.is_(None)
    query = select(JOBS.c.id, JOBS.c.name).where(measured, shown).order_by(JOBS.c.created_at.desc(), JOBS.c.id.desc())
    return dict(read(query.limit(limit)))


def find_by_draft(draft_key: str) -> JobRecord | None:
    """The job that was launched from a draft, or None."""
    return next(iter(read_jobs(JOBS.c.draft_key == draft_key)), None)


def find_by_task(task_id: str) -> JobRecord | None:
    """The job of a task, or None."""
    return next(iter(read_jobs(JOBS.c.task_id == task_id)), None)


def names_like(stem: str) -> set[str]:
    """Names of jobs that begin with `stem`."""
    query = select(JOBS.c.name).where(JOBS.c.name.startswith(stem, autoescape=True), _KEPT)
    return {name for (name,) in read(query)}


def read_jobs(*conditions: Any, limit: int = NEWEST, offset: int = 0, with_deleted: bool = False) -> list[JobRecord]:
    """The jobs that meet conditions on the tables, newest first."""
    query = (
        select(
            JOBS,
            TASKS,
            DATASETS.c.name.label("dataset_name"),
            DATASETS.c.deleted_at.label("dataset_deleted_at"),
            VERSIONS.c.train_examples.label("train_examples"),
            VERSIONS.c.validation_examples.label("validation_examples"),
            MODELS.c.id.label("model_id"),
        )
        .join(TASKS, TASKS.c.id == JOBS.c.task_id)
        .join(DATASETS, DATASETS.c.id == JOBS.c.dataset_id)
        .join(VERSIONS, VERSIONS.c.id == JOBS.c.dataset_version_id)
        .outerjoin(MODELS, MODELS.c.job_id == JOBS.c.id)
        .where(*conditions, *(() if with_deleted else (_KEPT,)))
        .order_by(JOBS.c.created_at.desc(), JOBS.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    rows = [(row._mapping, _polled(row._mapping)) for row in read(query)]
    points = metrics.latest([row[JOBS.c.id] for row, _ in rows])
    kept = metrics.at_steps({row[JOBS.c.id]: step for row, _ in rows if (step := _kept_step(row, points))})
    saved = tasks.checkpoint_steps([task for _, task in rows])
    reasons = tasks.waiting_reasons(task for _, task in rows)
    specs = {row[JOBS.c.id]: JobSpec.model_validate(row[JOBS.c.spec]) for row, _ in rows}
    places = hosted.facts_of({job_id: spec.hosted for job_id, spec in specs.items() if spec.hosted})
    return [
        _record(row, task, specs[row[JOBS.c.id]], places.get(row[JOBS.c.id]), points, kept, saved, reasons)
        for row, task in rows
    ]


def _kept_step(row: Any, points: Mapping[tuple[str, str], Point]) -> int:
    """The step whose weights the model has, where it is not the last one; else 0."""
    step = int(row[JOBS.c.measured].get("kept_step") or 0)
    last = points.get((row[JOBS.c.id], "train"))
    return step if last is not None and step != last.step else 0


def _polled(row: Any) -> TaskRecord:
    """The task of a job as its provider sees it."""
    task = TaskRecord(**_columns(row, TASKS))
    return PROVIDERS.get(row[JOBS.c.provider]).poll(task) if row[JOBS.c.provider] in PROVIDERS else task


def _columns(row: Any, table: Any) -> dict[str, Any]:
    return {column.name: row[column] for column in table.columns}


def _record(
    row: Any,
    task: TaskRecord,
    spec: JobSpec,
    place: HostedFacts | None,
    points: Mapping[tuple[str, str], Point],
    kept: Mapping[tuple[str, str], Point],
    saved: Mapping[str, int],
    reasons: Mapping[str, str],
) -> JobRecord:
    job = _columns(row, JOBS)
    provider = PROVIDERS.get(job["provider"]) if job["provider"] in PROVIDERS else None
    withheld = provider.capabilities.withheld if provider else frozenset(ACTIONS)  # one that this release does not have
    deleted = row["dataset_deleted_at"] is not None
    actions = commands.actions(task, checkpoint_step=saved.get(task.id, 0))
    point = points.get((job["id"], "train"))
    return JobRecord(
        **_only(job, "id name description task_id dataset_id dataset_version_id provider base_model method"),
        **_only(job, "parent_job_id forecast measured created_at archived_at"),
        dataset_name=row["dataset_name"],
        dataset_deleted=deleted,
        provider_title=provider.title if provider else job["provider"],
        live_metrics=provider is not None and provider.capabilities.live_metrics,
        base_title=spec.hosted.base_title if spec.hosted else base_models.title_of(job["base_model"]),
        method_title=methods.title_of(job["method"]),
        spec=spec,
        examples=row["train_examples"],
        validation_examples=row["validation_examples"],
        model_id=row["model_id"],
        **{name: getattr(task, name) for name in _TASK_FIELDS},
        waiting_to_resume=task.waits_to_resume,
        waiting_reason=reasons.get(task.id),
        point=point,
        validation_point=points.get((job["id"], "validation")),
        kept_points=(kept.get((job["id"], "train")), kept.get((job["id"], "validation"))),
        duration_s=task.duration_s,
        time_left_s=_time_left(task, point, job["id"], spec.training.total_steps)
        if place is None
        else _left_there(task, place),
        starts_at=task.waits_until if task.is_planned else None,
        hosted=place,
        actions=tuple(
            action for action in actions if action not in withheld and not (deleted and action in NEEDS_DATASET)
        ),
        checkpoint_step=saved.get(task.id, 0),
    )


_TASK_FIELDS = (
    "state", "reason", "progress", "phase", "message", "error", "command", "attempt", "crashes",
    "started_at", "finished_at",
)  # fmt: skip


def _only(values: dict[str, Any], names: str) -> dict[str, Any]:
    return {name: values[name] for name in names.split()}


def _left_there(task: TaskRecord, place: HostedFacts) -> float | None:
    """Seconds until a service expects to be done; None where it does not say."""
    if task.state != "running" or not place.finish_at:
        return None
    return max(0.0, place.finish_at - time.time()) or None


def _time_left(task: TaskRecord, point: Point | None, job_id: str, total_steps: int) -> float | None:
    """Seconds to the last step: by the clock, at first by the speed of the last one. None before the first point or if
    nothing is running."""
    if task.state != "running" or task.lease_owner is None or point is None or not point.step:
        return None
    if (left := time_left.of_job(job_id, total_steps, point.id)) is not None:
        return left
    rate = point.value("tokens_per_s")
    return (total_steps - point.step) * point.tokens / point.step / rate if rate else None
