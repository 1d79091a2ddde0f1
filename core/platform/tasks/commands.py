"""The actions on a task: cancel, pause, stop (and keep), resume, retry, keep (the last checkpoint)."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import update

from core.errors import InvalidTransition, SettingsError
from core.platform import budgets
from core.platform.db.tables import TASKS
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store, workdirs
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.recovery import settle
from core.platform.tasks.states import ACTIONS, COMMANDS, STARTED

_NEEDS = {
    "cancel": ("pending", "validating", "queued", "running", "paused"),
    "pause": ("running",),
    "stop": ("running",),
    "resume": ("paused",),
    "retry": ("failed", "cancelled"),
    "keep": ("failed", "cancelled", "paused"),
}
AT_ONCE: Final = 0.0  # a time that has come; unlike None, it says that the task was meant to wait
LATEST_DAYS: Final = 366  # how far from now a start can be planned

_REQUESTED = {"cancel": "Cancel requested.", "pause": "Pause requested.", "stop": "Stop and keep requested."}


def actions(task: TaskRecord, *, checkpoint_step: int = 0) -> tuple[str, ...]:
    """The actions that a task allows now, in the order of a screen.

    Args:
        checkpoint_step: of the last good checkpoint (`store.checkpoint_steps`); 0 if there is nothing to keep.
    """
    return tuple(
        action
        for action in ("resume", "retry", "keep", "pause", "stop", "cancel")
        if (action != "keep" or checkpoint_step) and task.state in _NEEDS[action] and _is_for(action, task.kind)
    )


def _is_for(action: str, kind_id: str) -> bool:
    """Whether tasks of this kind support the action, whatever their state."""
    kind = kind_of(kind_id)
    return {"pause": kind.can_pause, "stop": kind.can_pause, "keep": kind.can_keep}.get(action, True)


def request(task_id: str, action: str) -> TaskRecord:
    """Request an action; returns the task right after.

    A worker that holds the task sees cancel, pause and stop as a flag at its next step. If no worker holds it, cancel
    and pause happen at once, and stop waits for the worker that resumes it; work that a service does is visited at once
    to pass the command on. Keep hands a task that ended, or is paused,
    to a worker again, which runs no step and only turns its last checkpoint into the result.

    Raises:
        InvalidTransition: the task's state does not allow the action, or there is nothing to keep. BudgetReached: a
            budget does not cover another attempt.
    """
    if action not in ACTIONS:
        raise InvalidTransition(f"“{action}” is not a known action.", f"Choose one of: {', '.join(ACTIONS)}.")
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        if task.state not in _NEEDS[action]:
            raise InvalidTransition(
                f"“{task.title or task_id}” is {task.state}, so you cannot {action} it.",
                f"You can {action} it while it is {' or '.join(_NEEDS[action])}.",
            )
        if action == "keep" and not (_is_for("keep", task.kind) and store.checkpoint_steps(uow, [task_id])):
            raise InvalidTransition(
                f"“{task.title or task_id}” has no checkpoint to keep.", "Retry it, or start a new job."
            )
        if action in COMMANDS:
            _command(uow, task, action)
        else:
            _restart(uow, task, action)
        needed = _retry_needed(uow, task) if action == "retry" else []
        uow.commit()
    for changed in (*needed, task_id):
        settle(changed)
    return store.get(task_id)


def start_now(task_id: str) -> TaskRecord:
    """Do not wait for the task's time: a planned task starts, and work elsewhere is visited, as soon as a worker is
    free. Changes nothing while a worker is working on it.

    Raises:
        InvalidTransition: it has ended, or is paused.
    """
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        if not task.is_active:
            raise InvalidTransition(f"“{task.title or task_id}” is {task.state}; nothing waits for its time.")
        if task.lease_owner is None:
            sooner = {"not_before": AT_ONCE, "updated_at": time.time()}
            uow.execute(update(TASKS).where(TASKS.c.id == task.id).values(sooner))
            if task.is_planned:
                store.event(uow, task_id, "state", "Starts now.", data={"not_before": None})
        uow.commit()
    settle(task_id)
    return store.get(task_id)


def schedule(task_id: str, at: float) -> TaskRecord:
    """Let a pending task start at a set time.

    Args:
        at: Unix seconds, in the future and at most LATEST_DAYS from now.

    Raises:
        SettingsError: the time is not in that range. InvalidTransition: the task has started.
    """
    at = start_time(at)
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        if task.state != "pending" or task.lease_owner:
            raise InvalidTransition(
                f"“{task.title or task_id}” is {task.state}, so its start cannot be changed.",
                "You can change it while it is pending.",
            )
        later = {"not_before": at, "announced_at": None, "updated_at": time.time()}
        uow.execute(update(TASKS).where(TASKS.c.id == task.id).values(later))
        store.event(uow, task_id, "state", "Its start was changed.", data={"not_before": at})
        uow.commit()
    return store.get(task_id)


def start_time(at: float) -> float:
    """A checked time to start at, in Unix seconds. Raises SettingsError: it is in the past, or too far ahead."""
    from_now_s = at - time.time()
    if not 0 < from_now_s <= LATEST_DAYS * 86_400:
        when = "in the past" if from_now_s <= 0 else f"more than {LATEST_DAYS} days from now"
        raise SettingsError(f"The start is {when}.", "Choose a later time, or start now.", field="start_at")
    return at


def _command(uow: UnitOfWork, task: TaskRecord, action: str) -> None:
    """Do it now if no worker holds the task, else set the flag for the worker; a cancel is never overwritten."""
    elsewhere = kind_of(task.kind).runs_elsewhere and (task.state != "pending" or task.command == "cancel")
    if elsewhere and task.state == "paused":
        _restart(uow, task, action)
    elif elsewhere and task.lease_owner is None:
        _flag(uow, task, action)
    elif task.lease_owner is None and action == "cancel":
        workdirs.empty(task.id, kind_of(task.kind))
        store.move(uow, task.id, "cancelled")
    elif task.lease_owner is None and action == "pause":
        store.move(uow, task.id, "paused")
    elif task.state in STARTED:
        _flag(uow, task, action)


def _flag(uow: UnitOfWork, task: TaskRecord, action: str) -> None:
    """Leave a command for the worker; a cancel is never overwritten."""
    flag: dict[str, Any] = {"updated_at": time.time()}
    if task.lease_owner is None:
        flag["not_before"] = AT_ONCE
    if task.command not in ("cancel", action):
        flag |= {"command": action, "command_at": time.time()}
        store.event(uow, task.id, "state", _REQUESTED[action], data={"command": action})
    uow.execute(update(TASKS).where(TASKS.c.id == task.id).values(flag))


def _restart(uow: UnitOfWork, task: TaskRecord, action: str) -> None:
    if action == "retry":
        budgets.again(uow, task.id)
    attempt = task.attempt + (action == "retry")
    message = {
        "resume": "Resumed; waiting in queue.",
        "keep": "Its last checkpoint will be saved as a model.",
        "cancel": _REQUESTED["cancel"],
    }.get(action, f"Retried: attempt {attempt}.")
    store.move(uow, task.id, "pending", attempt=attempt, message=message)
    if action in ("keep", "cancel"):  # the worker sees it before its first step
        uow.execute(update(TASKS).where(TASKS.c.id == task.id).values(command=action))


def _retry_needed(uow: UnitOfWork, task: TaskRecord) -> list[str]:
    """A retry also retries what the task waits for, if that failed or was cancelled; returns the ids.

    In the transaction of the retry: the failed dependency would otherwise fail the task again (`fail_dependent`).
    """
    retried: list[str] = []
    while task.after_task_id:
        task = store.get_in(uow, task.after_task_id, lock=True)
        if task.state not in _NEEDS["retry"]:
            break
        _restart(uow, task, "retry")
        retried.insert(0, task.id)
    return retried
