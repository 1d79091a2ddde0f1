"""The list of background tasks: what can be searched and filtered, archived, and what each task made."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, case, func, select, update

from core.models import base_models
from core.platform.db import cursors
from core.platform.db.engine import db_now
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import DATASETS, EVALUATIONS, MODELS, TASKS
from core.platform.db.uow import UnitOfWork, read
from core.platform.tasks import owners
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.states import TERMINAL, WORKABLE

# The queue from its end to its beginning: what is planned, waits, is in work, and has ended; each in its own order.
_BLOCK: Final = 1e11  # more than any time in Unix seconds
_PLANNED: Final = (TASKS.c.state == "pending") & (TASKS.c.not_before > db_now())
_IN_WORK: Final = TASKS.c.lease_owner.is_not(None) | (TASKS.c.not_before > db_now())
_QUEUE: Final = case(
    (_PLANNED, TASKS.c.not_before),
    (TASKS.c.state.in_(TERMINAL), 4 * _BLOCK - TASKS.c.created_at),
    (TASKS.c.state.in_(WORKABLE) & _IN_WORK, 2 * _BLOCK + TASKS.c.created_at),
    else_=_BLOCK + TASKS.c.created_at,
)

LISTING: Final = Listing(
    key=TASKS.c.id,
    rows=TASKS,
    search=(TASKS.c.title,),
    sorts=(
        Sort("queue", "Queue", _QUEUE),
        Sort("newest", "Newest first", TASKS.c.created_at, down=True),
        Sort("oldest", "Oldest first", TASKS.c.created_at),
        Sort("ended", "Last ended first", TASKS.c.finished_at, down=True),
        Sort("name", "Title, A to Z", func.lower(TASKS.c.title)),
        Sort("longest", "Longest first", TASKS.c.finished_at - TASKS.c.started_at, down=True),
    ),
    filters=(
        Facet("kind", "Kind", TASKS.c.kind, lambda kind: kind_of(kind).title),
        Facet("state", "State", TASKS.c.state),
    ),
    archived=TASKS.c.archived_at.is_not(None),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A screen that shows what a task made, changed or tested: `query` for its address, `title` of the thing."""

    screen: str
    query: dict[str, str]
    title: str


def place_in_queue(task: TaskRecord) -> str:
    """Planned, Waiting, Running or Ended: the part of the queue that a task is in."""
    if task.is_terminal:
        return "Ended"
    if task.is_planned:
        return "Planned"
    return "Running" if task.is_active and (task.lease_owner or task.waits_until) else "Waiting"


def newest(after: str = "", *, archived: bool = False, limit: int = 50) -> list[TaskRecord]:
    """A page of the tasks, the newest first. Raises DataError if no task has the id `after`."""
    ids = cursors.newest(LISTING, TASKS, after, archived=archived, limit=limit)
    rows = read(select(TASKS).where(TASKS.c.id.in_(ids))) if ids else []
    return in_order(tuple(ids), {row.id: owners.seen(TaskRecord.of(row._mapping)) for row in rows})


def look_up(view: View) -> tuple[Slice, list[TaskRecord]]:
    """One page of the tasks."""
    found = look_up_in(LISTING, view)
    rows = read(select(TASKS).where(TASKS.c.id.in_(found.ids))) if found.ids else []
    return found, in_order(found.ids, {row.id: owners.seen(TaskRecord.of(row._mapping)) for row in rows})


def archive(task_ids: Sequence[str]) -> int:
    """Hide tasks that have ended from the list; returns how many changed. What can still run stays in sight."""
    return _set_archived(TASKS.c.archived_at.is_(None) & TASKS.c.state.in_(TERMINAL), task_ids, time.time())


def restore(task_ids: Sequence[str]) -> int:
    """Show archived tasks again; returns how many changed."""
    return _set_archived(TASKS.c.archived_at.is_not(None), task_ids, None)


def _set_archived(changed: ColumnElement[bool], task_ids: Sequence[str], at: float | None) -> int:
    with UnitOfWork() as uow:
        count = uow.execute(update(TASKS).where(changed, TASKS.c.id.in_(task_ids)).values(archived_at=at)).rowcount
        uow.commit()
    return count


def made(listed: Iterable[TaskRecord]) -> dict[str, Link]:
    """What tasks made, changed or tested, by task id; nothing for what was deleted. A few queries for any number."""
    wanted = {task.id: shown for task in listed if (shown := _shown(task)) is not None}
    links: dict[tuple[str, str], Link] = {}
    for screen, linked in _LINKS.items():
        if ids := {value for place, value in wanted.values() if place == screen}:
            links |= {(screen, value): link for value, link in linked(ids).items()}
    return {task_id: links[shown] for task_id, shown in wanted.items() if shown in links}


def _shown(task: TaskRecord) -> tuple[str, str] | None:
    """The screen, and the value of the key that its kind names."""
    screen, key = kind_of(task.kind).shows or ("", "")
    if not screen or (screen != "datasets" and task.state != "succeeded"):  # a dataset is there while it is changed
        return None
    value = task.result.get(key) or task.payload.get(key)
    return (screen, str(value)) if value else (screen, key)


def _datasets(ids: Collection[str]) -> dict[str, Link]:
    query = select(DATASETS.c.id, DATASETS.c.name).where(DATASETS.c.id.in_(ids), DATASETS.c.deleted_at.is_(None))
    return {dataset_id: Link("datasets", {"id": dataset_id}, name) for dataset_id, name in read(query)}


def _models(ids: Collection[str]) -> dict[str, Link]:
    query = select(MODELS.c.id, MODELS.c.name).where(MODELS.c.id.in_(ids))
    return {model_id: Link("models", {"id": model_id}, name) for model_id, name in read(query)}


def _tested(job_ids: Collection[str]) -> dict[str, Link]:
    query = select(MODELS.c.job_id, MODELS.c.id, MODELS.c.name).where(MODELS.c.job_id.in_(job_ids))
    return {job_id: Link("compare", {"model": model_id}, name) for job_id, model_id, name in read(query)}


def _bases(ids: Collection[str]) -> dict[str, Link]:
    known = (base_id for base_id in ids if base_models.is_base(base_id))
    return {base_id: Link("chat", {"model": base_id}, base_models.title_of(base_id)) for base_id in known}


def _evaluations(ids: Collection[str]) -> dict[str, Link]:
    query = select(EVALUATIONS.c.id, EVALUATIONS.c.name).where(EVALUATIONS.c.id.in_(ids))
    return {row_id: Link("evaluate", {"id": row_id}, name) for row_id, name in read(query)}


_LINKS: Final = {
    "datasets": _datasets,
    "models": _models,
    "compare": _tested,
    "chat": _bases,
    "evaluate": _evaluations,
}
