"""The one function that a queue may run: it calls the handler of the task's kind."""

from __future__ import annotations

import errno
import faulthandler
import importlib
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
from types import FrameType
from typing import Any

from core.errors import (
    DatabaseUnavailable,
    DataError,
    LeaseLost,
    NotFound,
    OutOfMemory,
    ProviderError,
    StorageError,
    StudioError,
    TrainingError,
)
from core.platform import disk, logs
from core.platform.budgets import acting
from core.platform.db.patience import patient
from core.platform.tasks import store, workdirs
from core.platform.tasks.context import Interrupted, Outcome, TaskContext
from core.platform.tasks.kinds import KINDS, TaskKind, kind_of
from core.platform.tasks.lease import acquire
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.recovery import after_death, settle
from core.settings import get_settings

log = logging.getLogger(__name__)

ENDING_S = 0.4  # how soon after a task a command asks its worker to end
# A work process that is asked to stop saves within this time or is killed: `sft up` leaves nothing after 15 s.
SHUTDOWN_GRACE_S = 9.0


def run_task(task_id: str) -> None:
    """Run by a queue's message: take the task if it still needs a worker, and work on it until it ends."""
    worker = os.environ.get("RQ_WORKER_ID", "worker")
    execute(task_id, f"{worker}:{os.getpid()}", shutdown=shutdown_on_sigterm())


def execute(task_id: str, owner: str, *, shutdown: threading.Event | None = None) -> TaskRecord | None:
    """Work on a task in this process; None when another worker has it, or took it over.

    A StudioError of the handler fails the task with its message and remedy; any other error with a short id, while its
    traceback goes only to the log. A database that does not respond for longer than a lease counts as a crash: the next
    worker resumes the task.
    """
    with patient(get_settings().lease_s):
        try:
            return _execute(task_id, owner, shutdown)
        except DatabaseUnavailable as error:
            log.error("Task %s is left to the next worker: %s", task_id, error)
            after_death(task_id, owner, "database")
            return None


def _execute(task_id: str, owner: str, shutdown: threading.Event | None) -> TaskRecord | None:
    try:
        task = store.get(task_id)
    except NotFound:
        log.warning("Task %s was deleted; its message is ignored.", task_id)
        return None
    with logs.bound(task_id=task.id, task_kind=task.kind):
        kind = kind_of(task.kind)
        lease = acquire(task_id, owner, first_state="validating" if kind.validates_first else "running")
        if lease is None:
            log.info("Task %s needs no worker now.", task_id)
            return None
        log.info("Task %s (%s), attempt %d, epoch %d: started.", task_id, task.kind, task.attempt, lease.epoch)
        context = TaskContext(lease, shutdown)
        try:
            with acting(task.person):
                ended = _finish(context, kind)
        except LeaseLost:
            log.warning("Task %s was taken over by another worker; this one stops without writing.", task_id)
            return None
        log.info("Task %s: %s %s", task_id, ended.state, ended.reason)
        if ended.state == "succeeded":
            shutil.rmtree(context.workdir, ignore_errors=True)
        settle(task_id)
        if kind.bill:
            from core.services.platform import budgets

            budgets.close_ended(task_id)
        if ended.state == "succeeded" and kind.makes_version:
            from core.services.data import quality
            from core.services.data.results import DatasetResult

            # A command that waited for this ends its worker now; the screen that shows the dataset measures it then.
            ends = shutdown is not None and shutdown.wait(ENDING_S)
            quality.after_new_version(DatasetResult.of(ended).dataset_id, now=not ends)
        return ended


def _finish(context: TaskContext, kind: TaskKind) -> TaskRecord:
    try:
        try:
            outcome: Outcome = importlib.import_module(KINDS.get(kind.id).handler_module).handle(context)
        except Interrupted as interrupted:
            outcome = interrupted.outcome
        if outcome.state not in ("succeeded", "waiting"):
            _empty_workdir(context, kind)
        return context.finish(outcome)
    except (LeaseLost, DatabaseUnavailable):
        raise
    except Exception as error:
        if context.task.command == "cancel" and not kind.runs_elsewhere:
            log.info("Stopped by the cancel.", exc_info=True)
            _empty_workdir(context, kind)
            return context.finish(Outcome("cancelled"))
        if disk.is_full(error):
            disk.release()  # the database needs space to record the end
        described = describe(error)
        _empty_workdir(context, kind)
        return context.finish(
            Outcome("failed", reason=described["cause"]), error=described, event_message=described["message"]
        )


def _empty_workdir(context: TaskContext, kind: TaskKind) -> None:
    """Empty the working directory of a task that is still this process's. Raises LeaseLost."""
    context.lease.renew()
    workdirs.empty(context.lease.task_id, kind)


_CAUSES: tuple[tuple[type[StudioError], str], ...] = (
    (DataError, "data"),
    (StorageError, "storage"),
    (ProviderError, "provider"),
)


def describe(error: Exception) -> dict[str, Any]:
    """An error for the task's row: message, remedy, cause, and an id for an unexpected one."""
    if disk.is_full(error) and not isinstance(error, StudioError):
        error = disk.full()
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        remedy = "Close other programs; for a training, choose a smaller batch or a shorter maximum length."
        error = OutOfMemory("The computer ran out of memory.", remedy)
    if isinstance(error, StudioError):
        log.error("%s", error, exc_info=True)
        cause = error.cause if isinstance(error, TrainingError) else "error"
        cause = next((name for kind, name in _CAUSES if isinstance(error, kind)), cause)
        return {"message": error.message, "remedy": error.remedy, "cause": cause, "error_id": ""}
    error_id = secrets.token_hex(4)
    log.error("Unexpected error %s", error_id, exc_info=True)
    return {
        "message": f"Something unexpected went wrong (error {error_id}).",
        "remedy": "Retry. If it happens again, report the error ID and the log of this task.",
        "cause": "error",
        "error_id": error_id,
    }


def shutdown_on_sigterm() -> threading.Event:
    """An event that SIGTERM sets; the work then saves and releases, or the process is ended after SHUTDOWN_GRACE_S."""
    shutdown = threading.Event()

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        if not shutdown.is_set():
            # Runs in a C thread, so it ends the process even if the work hangs in native code.
            faulthandler.dump_traceback_later(SHUTDOWN_GRACE_S, exit=True, file=sys.__stderr__ or sys.stderr)
        shutdown.set()

    signal.signal(signal.SIGTERM, on_sigterm)
    return shutdown
