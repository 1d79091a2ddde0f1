"""What a person may ask of a task: cancel, pause, stop (and keep), resume, retry."""

from __future__ import annotations

import time

from sqlalchemy import update

from core.db.uow import UnitOfWork
from core.errors import InvalidTransition
from core.tasks import store
from core.tasks.records import TaskRecord
from core.tasks.recovery import settle
from core.tasks.states import ACTIONS, COMMANDS, STARTED
from core.tasks.store import TASKS

_NEEDS = {
    "cancel": ("pending", "validating", "queued", "running", "paused"),
    "pause": ("running",),
    "stop": ("running",),
    "resume": ("paused",),
    "retry": ("failed", "cancelled"),
}
_HALF_DONE = ("training", "smart", "smart_again", "variations")
_ONLY_FOR = {"pause": _HALF_DONE, "stop": _HALF_DONE}  # kinds whose work can be left half done and gone on with
_ASKED = {"cancel": "Cancel requested.", "pause": "Pause requested.", "stop": "Stop and keep requested."}


def actions(task: TaskRecord) -> tuple[str, ...]:
    """What a person may ask of a task now, in the order of a screen."""
    return tuple(
        action
        for action in ("resume", "retry", "pause", "stop", "cancel")
        if task.state in _NEEDS[action] and task.kind in _ONLY_FOR.get(action, (task.kind,))
    )


def request(task_id: str, action: str) -> TaskRecord:
    """Ask for an action; returns the task as it is right after.

    A worker that holds the task sees cancel, pause and stop as a flag at its next step. Where no worker holds it,
    cancel and pause happen at once, and stop waits for the worker that resumes it.

    Raises:
        InvalidTransition: the task's state does not allow the action; says what it is.
    """
    if action not in ACTIONS:
        raise InvalidTransition(f"“{action}” is not an action.", f"Choose one of: {', '.join(ACTIONS)}.")
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        if task.state not in _NEEDS[action]:
            raise InvalidTransition(
                f"“{task.title or task_id}” is {task.state}, so it cannot be asked to {action}.",
                f"That is possible while it is {' or '.join(_NEEDS[action])}.",
            )
        if action in COMMANDS:
            _command(uow, task, action)
        else:
            _restart(uow, task, action)
        uow.commit()
    if action == "retry" and task.after_task_id:
        _retry_needed(task.after_task_id)
    settle(task_id)
    return store.get(task_id)


def _command(uow: UnitOfWork, task: TaskRecord, action: str) -> None:
    """Do it now where nobody works, else leave the flag for the worker; a cancel is never overwritten."""
    if task.lease_owner is None and action == "cancel":
        store.move(uow, task.id, "cancelled")
    elif task.lease_owner is None and action == "pause":
        store.move(uow, task.id, "paused")
    elif task.state in STARTED and task.command not in ("cancel", action):
        asked = {"command": action, "command_at": time.time(), "updated_at": time.time()}
        uow.session.connection().execute(update(TASKS).where(TASKS.c.id == task.id).values(asked))
        store.event(uow, task.id, "state", _ASKED[action], data={"command": action})


def _restart(uow: UnitOfWork, task: TaskRecord, action: str) -> None:
    attempt = task.attempt + (action == "retry")
    message = "Resumed; waiting for a worker." if action == "resume" else f"Retried: attempt {attempt}."
    store.move(uow, task.id, "pending", attempt=attempt, message=message)


def _retry_needed(task_id: str) -> None:
    """A retry starts again what it waits for, where that had failed or was cancelled."""
    if store.get(task_id).state in _NEEDS["retry"]:
        request(task_id, "retry")
