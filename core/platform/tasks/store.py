"""The rows of `background_tasks`: create, read, and the one function that moves a task between states."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update

from core import arguments
from core.errors import InvalidTransition, LeaseLost, NotFound
from core.ids import new_id
from core.platform.budgets.acting import actor
from core.platform.db.engine import db_now
from core.platform.db.tables import EVENTS, TASKS, BackgroundTask
from core.platform.db.uow import UnitOfWork, read
from core.platform.tasks import noticing
from core.platform.tasks.kinds import KINDS
from core.platform.tasks.records import EventRecord, TaskRecord
from core.platform.tasks.states import STARTED, TERMINAL, WORKABLE, may_move

_MESSAGES = {
    "pending": "Waiting in queue.",
    "validating": "Checking its inputs.",
    "queued": "Queued at the provider.",
    "running": "Started.",
    "paused": "Paused; progress is saved.",
    "succeeded": "Finished.",
    "failed": "Failed.",
    "cancelled": "Cancelled.",
}


def create(
    uow: UnitOfWork,
    *,
    kind: str,
    title: str,
    payload: dict[str, Any],
    queue: str = "",
    idempotency_key: str | None = None,
    after_task_id: str | None = None,
    not_before: float | None = None,
) -> tuple[TaskRecord, bool]:
    """Insert a pending task; commit, then `announce(id)`. Its payload names the person who started it, if there is one.

    Args:
        kind: an id of `KINDS`.
        queue: another queue than the kind's.
        not_before: Unix seconds; no worker takes it earlier. None: as soon as possible.

    Returns:
        The task and True; or, when the idempotency key exists, the task that has it and False.
    """
    dialect = uow.session.get_bind().dialect.name
    person = str(payload.get("person") or actor().concerned)
    row = BackgroundTask(
        id=new_id("task"),
        kind=kind,
        title=title,
        queue=queue or KINDS.get(kind).queue,
        payload={**payload, "person": person} if person else payload,
        idempotency_key=idempotency_key,
        after_task_id=after_task_id,
        not_before=not_before,
    ).model_dump()
    # ON CONFLICT instead of select-then-insert: two launches at once both get the one row, and no transaction fails.
    from sqlalchemy.dialects import postgresql, sqlite  # a short command does without

    statement = (postgresql if dialect == "postgresql" else sqlite).insert(TASKS).values(**row)
    statement = statement.on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(TASKS.c.id)
    connection = uow.session.connection()
    if connection.execute(statement).first() is not None:
        first = _unfinished_title(uow, after_task_id)
        message = f"Waits for “{first}”." if first else _MESSAGES["pending"]
        event(uow, row["id"], "state", message, data={"to": "pending"})
        return get_in(uow, row["id"]), True
    found = connection.execute(select(TASKS).where(TASKS.c.idempotency_key == idempotency_key)).mappings().one()
    return TaskRecord.of(found), False


def _unfinished_title(uow: UnitOfWork, task_id: str | None) -> str:
    """The title of a task that others wait for; "" once it has succeeded."""
    if task_id is None:
        return ""
    row = uow.execute(select(TASKS.c.title, TASKS.c.state).where(TASKS.c.id == task_id)).one_or_none()
    return row.title if row is not None and row.state != "succeeded" else ""


def create_or_join(
    uow: UnitOfWork,
    *,
    kind: str,
    title: str,
    payload: dict[str, Any],
    key: str,
    after_task_id: str | None = None,
    done: Collection[str] = TERMINAL,
) -> TaskRecord:
    """The unfinished task with this `key`, or a new one; commit, then `announce(id)`.

    Args:
        key: names the work that is done once at a time; the idempotency key is this and a number.
        done: states of an earlier task after which a new one is made.
    """
    attempt = 0
    while True:
        task, created = create(
            uow,
            kind=kind,
            title=title,
            payload=payload,
            idempotency_key=f"{key}:{attempt}",
            after_task_id=after_task_id,
        )
        if created or task.state not in done:
            return task
        attempt += 1


def get(task_id: str) -> TaskRecord:
    """The task now. Raises NotFound: no task has this id."""
    with UnitOfWork(write=False) as uow:
        return get_in(uow, task_id)


def get_in(uow: UnitOfWork, task_id: str, *, lock: bool = False) -> TaskRecord:
    """The task inside a transaction; `lock` locks its row until the end (SQLite locks the database)."""
    query = select(TASKS).where(TASKS.c.id == task_id)
    row = uow.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no task {task_id}.", "It may have been deleted; see Background jobs.")
    return TaskRecord.of(row)


def find(
    *,
    kind: str | None = None,
    states: Iterable[str] = (),
    queue: str | None = None,
    limit: int = 200,
    offset: int = 0,
    after: str | None = None,
    about: Mapping[str, str] | None = None,
    oldest_first: bool = False,
) -> list[TaskRecord]:
    """Tasks by kind, states, queue, dependency (`after`) and values of their payload (`about`), newest first."""
    query = select(TASKS).limit(arguments.count(limit)).offset(arguments.count(offset))
    if kind:
        query = query.where(TASKS.c.kind == kind)
    if states := tuple(states):
        query = query.where(TASKS.c.state.in_(states))
    if queue:
        query = query.where(TASKS.c.queue == queue)
    if after:
        query = query.where(TASKS.c.after_task_id == after)
    for name, value in (about or {}).items():
        query = query.where(TASKS.c.payload[name].as_string() == value)
    order = (TASKS.c.created_at, TASKS.c.id) if oldest_first else (TASKS.c.created_at.desc(), TASKS.c.id.desc())
    return [TaskRecord.of(row._mapping) for row in read(query.order_by(*order))]


def move(
    uow: UnitOfWork,
    task_id: str,
    to: str,
    *,
    expect: str | None = None,
    epoch: int | None = None,
    reason: str = "",
    message: str = "",
    **values: Any,
) -> TaskRecord:
    """Move a task to state `to` by compare-and-set, and write the event. The only place that writes `state`.

    The race it prevents: two parties read the same state and both act on it. A person cancels while the worker
    registers the model; the reconciler reassigns a task while its old holder, resumed after a freeze, reports success;
    two browsers press retry. The row is locked, then updated only if it still has the state (and the lease epoch) that
    was read, so one move happens and the other party gets an error instead of overwriting it.

    Args:
        expect: the state it must have now; None accepts any state from which `to` is allowed.
        epoch: the mover's lease epoch; None for a person or the reconciler.
        reason: why, as a stable word (`stopped_early`, `out_of_memory`); stored in the row.
        message: the event's sentence; empty uses the state's default.
        values: further columns to set (progress, error, result, ...).

    Raises:
        NotFound: no such task. LeaseLost: the epoch has ended. InvalidTransition: the table forbids the move.
    """
    task = get_in(uow, task_id, lock=True)
    if epoch is not None and epoch != task.lease_epoch:
        raise LeaseLost(f"Task {task_id} belongs to another worker now (epoch {task.lease_epoch}, not {epoch}).")
    if not may_move(task.state, to) or (expect is not None and task.state != expect):
        raise InvalidTransition(
            f"“{task.title or task_id}” is {task.state}; it cannot change to {to}.",
            "Reload the screen to see its present state.",
        )
    now = time.time()
    values = {"reason": reason, **values, "state": to, "updated_at": now, **_consequences(task, to, now)}
    unchanged = (TASKS.c.id == task_id) & (TASKS.c.state == task.state) & (TASKS.c.lease_epoch == task.lease_epoch)
    if uow.execute(update(TASKS).where(unchanged).values(values)).rowcount != 1:
        raise InvalidTransition(f"“{task.title or task_id}” changed at the same moment.", "Try again.")
    data = {"from": task.state, "to": to, "reason": reason}
    event(uow, task_id, "state", message or _MESSAGES[to], level="error" if to == "failed" else "info", data=data)
    moved = get_in(uow, task_id)
    if moved.is_terminal:
        noticing.ended(uow, moved)
    return moved


def _consequences(task: TaskRecord, to: str, now: float) -> dict[str, Any]:
    """The columns that follow from the new state: times, and no lease or command where no worker is needed."""
    follows: dict[str, Any] = {"not_before": None}
    if to in STARTED and task.started_at is None:
        follows["started_at"] = now
    if to not in STARTED:
        follows |= {"lease_owner": None, "lease_expires_at": None, "command": "", "command_at": None}
    if to in TERMINAL:
        follows["finished_at"] = now
    if to == "pending":
        follows |= {"finished_at": None, "announced_at": None, "error": {}, "crashes": 0}
    if to == "succeeded":
        follows |= {"progress": 100.0, "error": {}}
    return follows


def event(
    uow: UnitOfWork, task_id: str, kind: str, message: str, level: str = "info", data: dict[str, Any] | None = None
) -> None:
    """Write one event, for the timeline, the toast and the log."""
    row = {"task_id": task_id, "kind": kind, "level": level, "message": message, "data": data or {}}
    uow.execute(insert(EVENTS).values(**row, created_at=time.time()))


def events(
    *, task_id: str | None = None, since_id: int = 0, kind: str | None = None, limit: int = 500
) -> list[EventRecord]:
    """Events after `since_id`, oldest first."""
    query = select(EVENTS).where(EVENTS.c.id > arguments.count(since_id)).order_by(EVENTS.c.id).limit(limit)
    if task_id:
        query = query.where(EVENTS.c.task_id == task_id)
    if kind:
        query = query.where(EVENTS.c.kind == kind)
    return [EventRecord(**row._mapping) for row in read(query)]


def is_due() -> ColumnElement[bool]:
    """The condition that a worker may take a task now, by the database's clock."""
    return or_(TASKS.c.not_before.is_(None), TASKS.c.not_before <= db_now())


def checkpoint_steps(uow: UnitOfWork, task_ids: list[str]) -> dict[str, int]:
    """The step of each task's last good checkpoint, from its newest checkpoint event; other tasks are left out."""
    newest = select(func.max(EVENTS.c.id)).where(EVENTS.c.task_id.in_(task_ids), EVENTS.c.kind == "checkpoint")
    query = select(EVENTS.c.task_id, EVENTS.c.data).where(EVENTS.c.id.in_(newest.group_by(EVENTS.c.task_id)))
    found = uow.execute(query).all() if task_ids else []
    return {task_id: int(data["step"]) for task_id, data in found if data.get("step")}


def last_event_id() -> int:
    """The newest event's id, or 0: toasts start after it."""
    return int(read(select(func.coalesce(func.max(EVENTS.c.id), 0)))[0][0])


def tally() -> dict[tuple[str, str], int]:
    """How many tasks there are of each kind and state."""
    query = select(TASKS.c.kind, TASKS.c.state, func.count()).group_by(TASKS.c.kind, TASKS.c.state)
    return {(kind, state): count for kind, state, count in read(query)}


def stages(task_ids: Collection[str]) -> dict[str, tuple[str, str, float]]:
    """The title, the state and the progress (0-100) of each of these tasks."""
    query = select(TASKS.c.id, TASKS.c.title, TASKS.c.state, TASKS.c.progress).where(TASKS.c.id.in_(task_ids))
    found = read(query) if task_ids else []
    return {task_id: (title, state, progress) for task_id, title, state, progress in found}


def lines(queues: Collection[str], task_ids: Collection[str]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The titles of the tasks in work in each queue, oldest first; the place in line of waiting tasks, from 1."""
    order = (TASKS.c.created_at, TASKS.c.id)
    workable = TASKS.c.state.in_(WORKABLE) & TASKS.c.queue.in_(queues) & is_due()
    held: dict[str, list[str]] = defaultdict(list)
    in_work = select(TASKS.c.queue, TASKS.c.title).where(workable, TASKS.c.lease_owner.is_not(None))
    for queue, title in read(in_work.order_by(*order)):
        held[queue].append(title)
    place = func.row_number().over(partition_by=TASKS.c.queue, order_by=order)
    line = select(TASKS.c.id, place.label("place")).where(workable, TASKS.c.lease_owner.is_(None)).subquery()
    places = read(select(line.c.id, line.c.place).where(line.c.id.in_(task_ids)))
    return held, dict(places)
