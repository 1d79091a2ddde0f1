"""What a person may ask of a task: cancel, pause, stop (and keep), resume, retry, keep (what is saved)."""

from __future__ import annotations

import time

from sqlalchemy import update

from core.errors import InvalidTransition
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.recovery import settle
from core.platform.tasks.states import ACTIONS, COMMANDS, STARTED
from core.platform.tasks.store import TASKS

_NEEDS = {
    "cancel": ("pending", "validating", "queued", "running", "paused"),
    "pause": ("running",),
    "stop": ("running",),
    "resume": ("paused",),
    "retry": ("failed", "cancelled"),
    "keep": ("failed", "cancelled", "paused"),
}
_ASKED = {"cancel": "Cancel requested.", "pause": "Pause requested.", "stop": "Stop and keep requested."}


def actions(task: TaskRecord, *, checkpoint_step: int = 0) -> tuple[str, ...]:
    """What a person may ask of a task now, in the order of a screen.

    Args:
        checkpoint_step: of the last good checkpoint (`store.checkpoint_steps`); without one there is nothing to keep.
    """
    return tuple(
        action
        for action in ("resume", "retry", "keep", "pause", "stop", "cancel")
        if (action != "keep" or checkpoint_step) and task.state in _NEEDS[action] and _is_for(action, task.kind)
    )


def _is_for(action: str, kind_id: str) -> bool:
    """Whether tasks of this kind know the action at all, whatever their state."""
    kind = kind_of(kind_id)
    return {"pause": kind.can_pause, "stop": kind.can_pause, "keep": kind.can_keep}.get(action, True)


def request(task_id: str, action: str) -> TaskRecord:
    """Ask for an action; returns the task as it is right after.

    A worker that holds the task sees cancel, pause and stop as a flag at its next step. Where no worker holds it,
    cancel and pause happen at once, and stop waits for the worker that resumes it. Keep brings a task that ended, or
    pauses, back to a worker once more, which makes no step and only turns its last checkpoint into the result.

    Raises:
        InvalidTransition: the task's state does not allow the action; says what it is. Or there is nothing to keep.
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
        if action == "keep" and not (_is_for("keep", task.kind) and store.checkpoint_steps(uow, [task_id])):
            raise InvalidTransition(
                f"“{task.title or task_id}” has no checkpoint that could be kept.", "Retry it, or start a new job."
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
    message = {
        "resume": "Resumed; waiting for a worker.",
        "keep": "Its last checkpoint is to be kept as a model.",
    }.get(action, f"Retried: attempt {attempt}.")
    store.move(uow, task.id, "pending", attempt=attempt, message=message)
    if action == "keep":  # the worker sees it before its first step
        uow.session.connection().execute(update(TASKS).where(TASKS.c.id == task.id).values(command="keep"))


def _retry_needed(task_id: str) -> None:
    """A retry starts again what it waits for, where that had failed or was cancelled."""
    if store.get(task_id).state in _NEEDS["retry"]:
        request(task_id, "retry")
