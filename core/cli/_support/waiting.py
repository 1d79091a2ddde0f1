"""Follow a background task to its end, with its progress on stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from core.cli._support.boundary import say
from core.errors import DatabaseUnavailable, JobError

if TYPE_CHECKING:
    from core.platform.tasks.records import TaskRecord

POLL_S = 0.25
PATIENCE_S = 600.0
FINISHED = ("succeeded", "failed", "cancelled", "paused")


def wait_for(task_id: str) -> TaskRecord:
    """Wait until the task has ended, and return it (also a failed one: the caller decides).

    A paused task counts as ended: only a person can resume it. A database that does not respond is asked again.

    Raises:
        DatabaseUnavailable: it has not responded for PATIENCE_S.
    """
    from core.services.platform import tasks

    shown, silent_since = "", 0.0
    try:
        while True:
            try:
                task = tasks.get_task(task_id)
                line, ended = _line(task), task.state in FINISHED
            except DatabaseUnavailable as error:  # the work waits for it too
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > PATIENCE_S:
                    raise
                line, ended = f"{error.message} Trying again.", False
            else:
                silent_since = 0.0
            if line != shown:
                _progress(line, last=ended)
                shown = line
            if ended:
                return task
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        say("\nThe task is saved and continues when a worker runs again (`sft up`).")
        raise


def wait_succeeded(task_id: str) -> TaskRecord:
    """Wait for the task; raise its error.

    Raises:
        JobError: the task failed, was cancelled or paused; with the task's message and remedy.
    """
    task = wait_for(task_id)
    if task.state != "succeeded":
        error = task.error or {}
        message = error.get("message") or f"{task.title} ended as {task.state}."
        raise JobError(message, error.get("remedy", ""))
    return task


def _line(task: TaskRecord) -> str:
    from core.services.platform import tasks

    if task.state != "pending":
        return f"{task.progress:3.0f}%  {task.title}: {task.message or task.phase or task.state}"
    reason = tasks.waiting_reason(task)
    return f"  0%  {task.title}: waiting" + (f", {reason.rstrip('.')}" if reason else "")


def _progress(line: str, *, last: bool) -> None:
    """Rewrite one line on a terminal; elsewhere print each change."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{line}", end="\n" if last else "", file=sys.stderr, flush=True)
    else:
        say(line)
