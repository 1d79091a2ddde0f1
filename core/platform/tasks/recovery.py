"""After a worker died: count the crash, free the lease, and let the task resume, end, or fail."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import func, select, update

from core.platform.db.engine import db_now
from core.platform.db.tables import TASKS
from core.platform.db.uow import UnitOfWork, read
from core.platform.tasks import noticing, store, workdirs
from core.platform.tasks.announce import announce
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.lease import MAX_ALLOWANCE_S, Lease
from core.platform.tasks.owners import is_gone
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.states import TERMINAL, WORKABLE

MAX_CRASHES = 3  # in a row, without a new checkpoint

_CAUSES = {
    "out_of_memory": (
        "The computer ran out of memory.",
        "Choose a smaller batch, a shorter maximum length or a smaller base model; then retry.",
    ),
    "killed": ("Its process was killed.", "See the end of its log, then retry."),
    "crashed": ("Its process crashed.", "See the end of its log, then retry."),
    "database": ("The database did not respond.", "Retry once it does."),
    "hung": ("It stopped responding.", "See the end of its log, then retry."),
}


def crashed(uow: UnitOfWork, task: TaskRecord, cause: str) -> TaskRecord:
    """Free the lease of a worker that died or hangs, inside a transaction that holds the task's row.

    A requested cancel is done now, unless a service has to be asked for it. Otherwise the state stays and the next
    worker resumes from the last checkpoint, until MAX_CRASHES in a row without a new one: then the task fails with the
    cause.

    Args:
        cause: out_of_memory, killed, crashed, database or hung.
    """
    if task.command == "cancel" and not kind_of(task.kind).runs_elsewhere:
        workdirs.empty(task.id, kind_of(task.kind))
        return store.move(uow, task.id, "cancelled", expect=task.state)
    crashes = task.crashes + 1
    sentence, remedy = _CAUSES[cause]
    if crashes >= MAX_CRASHES:
        workdirs.empty(task.id, kind_of(task.kind))
        error = {
            "message": f"{sentence} This happened {crashes} times in a row without new saved progress.",
            "remedy": remedy,
            "cause": cause,
        }
        return store.move(uow, task.id, "failed", reason=cause, error=error, crashes=crashes, message=error["message"])
    free: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None, "crashes": crashes, "announced_at": None}
    if cause == "hung":  # it may have been one slow step: the next holder gets twice the time
        free["lease_allowance_s"] = min(task.lease_allowance_s * 2, MAX_ALLOWANCE_S)
    unchanged = (TASKS.c.id == task.id) & (TASKS.c.lease_epoch == task.lease_epoch)
    uow.execute(update(TASKS).where(unchanged).values(**free, updated_at=time.time()))
    message = f"{sentence} Waiting to resume from the last saved progress (crash {crashes} of at most {MAX_CRASHES})."
    store.event(uow, task.id, "recovery", message, "warning", {"cause": cause, "crashes": crashes})
    noticing.worker_lost(uow, task, message)
    return store.get_in(uow, task.id)


def after_death(task_id: str, owner: str, cause: str) -> None:
    """Free the lease of a work process that died, at once: its parent calls this, so that recovery need not wait.

    Changes nothing if that process had ended its task, or had lost it, before it died.

    Args:
        cause: as in `crashed`, or `stopped`: it was asked to stop and was too slow to save, which is not a crash.
    """
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        if task.lease_owner == owner and cause == "stopped" and task.command != "cancel":
            Lease(task.id, owner, task.lease_epoch, 0.0).free(uow)
        elif task.lease_owner == owner:
            crashed(uow, task, cause)
        uow.commit()
    settle(task_id)


def expired() -> list[str]:
    """Ids of tasks whose lease ran out, by the database's clock."""
    query = select(TASKS.c.id).where(TASKS.c.lease_owner.is_not(None), TASKS.c.lease_expires_at <= db_now())
    return [task_id for (task_id,) in read(query)]


def orphaned() -> list[tuple[str, str]]:
    """Tasks held by a process of this machine that died together with its worker, each with its owner."""
    query = select(TASKS.c.id, TASKS.c.lease_owner).where(TASKS.c.lease_owner.is_not(None))
    return [(task_id, owner) for task_id, owner in read(query) if is_gone(owner)]


def unheld() -> list[str]:
    """Ids of tasks that need a worker now and have none, oldest first. Ids only: one unreadable row hides no others."""
    query = select(TASKS.c.id).where(TASKS.c.state.in_(WORKABLE), TASKS.c.lease_owner.is_(None), store.is_due())
    return [task_id for (task_id,) in read(query.order_by(TASKS.c.created_at))]


def next_due_s() -> float | None:
    """Seconds until the first waiting task is due, by the database's clock; None if none waits."""
    waits = TASKS.c.state.in_(WORKABLE) & TASKS.c.lease_owner.is_(None) & (TASKS.c.not_before > db_now())
    found = read(select(func.min(TASKS.c.not_before) - db_now()).where(waits))[0][0]
    return None if found is None else max(0.0, float(found))


def take_over(task_id: str) -> bool:
    """Free one expired lease; False if its holder has renewed it."""
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        now = uow.execute(select(db_now())).scalar_one()
        if task.lease_owner is None or task.lease_expires_at is None or task.lease_expires_at > now:
            return False
        crashed(uow, task, "hung")
        uow.commit()
    return True


def settle(task_id: str) -> None:
    """After a task changed: announce it if it needs a worker, and update the tasks that wait for it."""
    task = store.get(task_id)
    if not task.is_terminal:
        announce(task_id)
        return
    for waiting in store.find(states=["pending"], after=task_id, oldest_first=True):
        if task.state == "succeeded":
            announce(waiting.id)
        else:
            fail_dependent(waiting, task)


def fail_dependent(waiting: TaskRecord, needed: TaskRecord) -> None:
    """Fail a task whose dependency failed or was cancelled, with that cause; and the tasks that wait for it in turn.

    Both are read again under a lock: a retry may have restarted them since the caller read them.
    """
    with UnitOfWork() as uow:
        waiting = store.get_in(uow, waiting.id, lock=True)
        needed = store.get_in(uow, needed.id, lock=True)
        if waiting.state != "pending" or needed.state not in TERMINAL - {"succeeded"}:
            return
        error = _dependency_error(needed)
        store.move(uow, waiting.id, "failed", reason=error["cause"], error=error, message=error["message"])
        uow.commit()
    settle(waiting.id)


def _dependency_error(needed: TaskRecord) -> dict[str, Any]:
    reason = needed.error.get("message") or ""
    return {
        "message": f"“{needed.title}”, which this waits for, {needed.state}: {reason}"
        if needed.state == "failed"
        else f"“{needed.title}”, which this waits for, was cancelled.",
        "remedy": needed.error.get("remedy") or "Retry it; that also retries the task it waits for.",
        "cause": needed.error.get("cause") or f"dependency_{needed.state}",
    }
