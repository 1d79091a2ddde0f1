"""The starter model: whether it is built, and the background task that builds it."""

from __future__ import annotations

from dataclasses import dataclass

from core.models.base_models.starter import recipe_hash, starter_ready
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks

KIND = "starter"
TITLE = "Build the starter model"


@dataclass(frozen=True, slots=True)
class StarterStatus:
    """`progress` is 0-100; `task_id` is the task that builds it, or built it last."""

    ready: bool
    building: bool
    progress: float
    text: str
    task_id: str | None = None


def status() -> StarterStatus:
    """The current state of the starter."""
    task = _latest()
    task_id = task.id if task else None
    if starter_ready():
        return StarterStatus(True, False, 100.0, "The starter is ready.", task_id)
    if task is None or task.state == "succeeded":
        return StarterStatus(False, False, 0.0, "The starter is not built yet; it takes a few minutes.", task_id)
    if task.is_active or task.state == "paused":
        text = tasks.waiting_reason(task) or task.message or "The starter is being built."
        return StarterStatus(False, True, task.progress, text, task_id)
    reason = task.error.get("message") or "It was cancelled."
    return StarterStatus(False, False, task.progress, f"The starter could not be built: {reason}", task_id)


def ensure() -> TaskRecord | None:
    """The task that builds the starter, or None if it is ready. Two callers get the same task."""
    if starter_ready():
        return None
    with UnitOfWork() as uow:
        task = ensure_in(uow)
        uow.commit()
    again = {"failed": "retry", "cancelled": "retry", "paused": "resume"}
    if task.state in again:
        return tasks.request(task.id, again[task.state])
    announce(task.id)
    return task


def ensure_in(uow: UnitOfWork) -> TaskRecord:
    """The task that builds the starter, inside a transaction; announce (or retry) it after the commit.

    The key has the recipe and the attempt: if a task has finished but its files were deleted, a new one is created.
    """
    return store.create_or_join(
        uow,
        kind=KIND,
        title=TITLE,
        payload={"recipe": recipe_hash()},
        key=f"starter:{recipe_hash()}",
        done=("succeeded",),
    )


def _latest() -> TaskRecord | None:
    mine = [task for task in store.find(kind=KIND, limit=20) if task.payload.get("recipe") == recipe_hash()]
    return mine[0] if mine else None
