"""Follow a background task to its end, with its progress on stderr."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from core.cli._support.boundary import say
from core.cli._support.progress import Progress
from core.errors import DatabaseUnavailable, JobError, QueueUnavailable

if TYPE_CHECKING:
    from core.platform.tasks.records import TaskRecord

FIRST_POLL_S, POLL_S = 0.03, 0.05
PATIENCE_S = 600.0
FINISHED = ("succeeded", "failed", "cancelled", "paused")


def wait_for(task_id: str) -> TaskRecord:
    """Wait until the task has ended, and return it (also a failed one: the caller decides).

    A paused task counts as ended: only a person can resume it. A database that does not respond is asked again.

    Raises:
        DatabaseUnavailable: it has not responded for PATIENCE_S.
    """
    from core.platform import supervisor
    from core.services.platform import tasks

    progress, pause_s, silent_since = Progress(), FIRST_POLL_S, 0.0
    try:
        while True:
            try:
                task = tasks.get_task(task_id)
                doing, ended = _doing(task), task.state in FINISHED
                if not ended:
                    supervisor.expect(task.id, task.queue)
                phase = doing if task.state == "pending" else f"{task.state} {task.phase}"
                progress.show(f"{task.title}: {doing}", percent=task.progress, phase=phase, last=ended)
                silent_since = 0.0
            except DatabaseUnavailable as error:  # the work waits for it too
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > PATIENCE_S:
                    raise
                progress.show(f"{error.message} Trying again.", phase="database")
                ended = False
            if ended:
                return task
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.1, POLL_S)
    except KeyboardInterrupt:
        say("\nThe task is saved and continues when a worker runs again (`sft up`).")
        raise


def wait_succeeded(task_id: str) -> TaskRecord:
    """Wait for the task. Raises JobError as `succeeded`."""
    return succeeded(wait_for(task_id))


def succeeded(task: TaskRecord) -> TaskRecord:
    """The task, which has ended.

    Raises:
        JobError: it failed, was cancelled or paused; with its message and remedy.
    """
    if task.state != "succeeded":
        error = task.error or {}
        message = error.get("message") or f"{task.title} ended as {task.state}."
        raise JobError(message, error.get("remedy", ""))
    return task


def _doing(task: TaskRecord) -> str:
    """What the task does now, or why it waits."""
    from core.services.platform import tasks

    if task.state != "pending":
        return task.message or task.phase or task.state
    if _worker_is_starting(task):
        return "starting a worker"
    reason = tasks.waiting_reason(task)
    return "waiting" + (f", {reason.rstrip('.')}" if reason else "")


def _worker_is_starting(task: TaskRecord) -> bool:
    """Whether this command is starting the worker that the task waits for."""
    from core.platform import supervisor
    from core.platform.processes import OWN_NOTE, note_of
    from core.services.platform import tasks

    if supervisor.has_own_worker(task.queue):
        return True
    if not supervisor.keeps(f"worker-{task.queue}") or note_of(f"worker-{task.queue}") == OWN_NOTE:
        return False
    try:
        return all(worker.queue != task.queue for worker in tasks.workers())
    except QueueUnavailable:
        return False
