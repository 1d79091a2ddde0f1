"""The interface of a handler: progress, signals, events and fenced writes; and the outcome that it returns."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select, update

from core.platform.db import patience
from core.platform.db.tables import TASKS
from core.platform.db.uow import UnitOfWork, read
from core.platform.tasks import store, workdirs
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.lease import Lease
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.results import TaskResult
from core.platform.tasks.states import may_move
from core.settings import get_settings

Result = TypeVar("Result")

SIGNAL_EVERY_S = 0.5  # the command is read from the database at most this often
PROGRESS_EVERY_S = 0.5  # progress is written at most this often, unless the phase changes


@dataclass(frozen=True)
class Outcome:
    """How a handler ended.

    Args:
        state: succeeded, paused, cancelled, failed, released (saved on shutdown: the next worker resumes it), or
            waiting: the task stays as it is, without a worker, and is taken again after `again_in_s`.
        reason: a stable word, e.g. `stopped_early`.
        result: the typed result of the task's kind, for its row.
        on_commit: called inside the finishing transaction of a success, to register what was made; returns the result.
            It is not called when a cancel came first: success and cancel race here only.
    """

    state: str
    reason: str = ""
    result: TaskResult | None = None
    on_commit: Callable[[UnitOfWork], TaskResult | None] | None = None
    again_in_s: float = 0.0


class Interrupted(Exception):
    """Ends a handler in the middle of its work; the worker ends the task with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.state)
        self.outcome = outcome


class TaskContext:
    """A handler's hold on its task. Every method that writes raises LeaseLost once another worker has taken over."""

    def __init__(self, lease: Lease, shutdown: threading.Event | None = None) -> None:
        self.lease = lease
        self._shutdown = shutdown or threading.Event()
        self._renew_s = get_settings().renew_s
        self._renewed = self._beat_at = time.monotonic()
        self._waited_s = patience.waited_s()
        self._read_at = self._wrote_at = float("-inf")
        self._command = self._phase = ""
        self._continues_at = 0.0

    @property
    def task(self) -> TaskRecord:
        """The task now."""
        return store.get(self.lease.task_id)

    @property
    def payload(self) -> dict[str, Any]:
        return self.task.payload

    @property
    def workdir(self) -> Path:
        """The task's working directory: kept over crashes; see `TaskKind.resumes_from_workdir` for other ends."""
        path = workdirs.path_of(self.lease.task_id)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def progress(self, percent: float, phase: str, message: str = "") -> None:
        """Report progress (0-100). Call it at every unit of work: it is also the sign of life."""
        now = self._beat()
        if phase != self._phase:
            self.lease.quiet_until = 0.0
        if now - self._wrote_at < PROGRESS_EVERY_S and phase == self._phase and percent < 100:
            return
        shown = min(max(percent, self._continues_at, 0.0), 100.0)
        self.lease.write(progress=shown, phase=phase, message=message, updated_at=time.time())
        self._wrote_at = self._renewed = now
        self._phase = phase

    def continues_at(self, percent: float) -> None:
        """The work continues where an earlier attempt was: while it prepares, the progress shown stays at `percent`
        instead of falling back to the beginning. 0 ends this."""
        self._continues_at = percent

    def signal(self) -> str:
        """The current command: "" (continue), cancel, pause, stop (and keep), or shutdown (save and release).

        `keep` is not among them: the handler reads `keeps` once, before it starts.

        Cheap enough for every step: the row is read at most twice a second.
        """
        now = self._beat()
        if now - self._read_at >= SIGNAL_EVERY_S:
            self._command = self._read_command()
            self._read_at = now
        if self._shutdown.is_set() and self._command != "cancel":
            return "shutdown"
        return "" if self._command == "keep" else self._command

    @property
    def keeps(self) -> bool:
        """Whether a person requested the last checkpoint as the result, without further work."""
        return self.task.command == "keep"

    def raise_if_interrupted(self) -> None:
        """Check for a cancel, pause, stop or shutdown; for handlers with nothing to save, at every unit of work.

        Raises:
            Interrupted: the work should end now.
        """
        outcomes = {"cancel": "cancelled", "pause": "paused", "stop": "cancelled", "shutdown": "released"}
        if signal := self.signal():
            raise Interrupted(Outcome(outcomes[signal]))

    def allow(self, silence_s: float) -> None:
        """Announce a silence of at most this length (loading a model), so that it is not mistaken for a hang.

        It ends when `progress` names another phase; a hang after that is noticed as quickly as before.
        """
        self.lease.quiet_until = time.monotonic() + silence_s
        self.lease.renew()

    def saved(self, message: str = "", data: dict[str, Any] | None = None) -> None:
        """Report that new progress is on disk and verified: earlier crashes no longer count."""

        def note(uow: UnitOfWork) -> None:
            uow.execute(update(TASKS).where(self.lease.held).values(crashes=0))
            if message:
                store.event(uow, self.lease.task_id, "checkpoint", message, data=data)

        self.write(note)

    def event(self, kind: str, message: str, level: str = "info", data: dict[str, Any] | None = None) -> None:
        """Write an event: kind is checkpoint, evaluation, data, log or recovery."""
        self.write(lambda uow: store.event(uow, self.lease.task_id, kind, message, level, data))

    def write(self, change: Callable[[UnitOfWork], Result]) -> Result:
        """What `change` returns from a fenced transaction; repeated while the database is unavailable.

        Args:
            change: safe to repeat, also after a commit whose answer was lost (`UnitOfWork.insert_new`).

        Raises:
            LeaseLost: the lease expired. DatabaseUnavailable: for as long as it is waited for.
        """

        def attempt() -> Result:
            with self.lease.fenced() as uow:
                result = change(uow)
                uow.commit()
            return result

        return patience.keep_trying(attempt)

    def validated(self) -> None:
        """End the checks: validating becomes running. Harmless when it is running already."""
        self.enter("running")

    def enter(self, state: str, message: str = "") -> None:
        """Move on to `queued` (in a provider's queue) or `running`. Harmless when it is there, or past it, already.

        Args:
            message: the event's sentence; empty uses the state's default.
        """

        def move(uow: UnitOfWork) -> None:
            if may_move(store.get_in(uow, self.lease.task_id).state, state):
                store.move(uow, self.lease.task_id, state, epoch=self.lease.epoch, message=message)

        self.write(move)

    def finish(self, outcome: Outcome, *, event_message: str = "", **values: Any) -> TaskRecord:
        """End the task: registration, state and event in one fenced transaction. The worker calls it, once.

        A cancel requested before this transaction wins over success and pause; a later one finds a finished task.
        """
        if outcome.state == "released":
            self.lease.release()
            return self.task
        if outcome.state == "waiting":
            self.write(lambda uow: self.lease.wait(uow, outcome.again_in_s, self._command))
            return self.task
        return patience.keep_trying(lambda: self._finish(outcome, event_message, values))

    def _finish(self, outcome: Outcome, event_message: str, values: dict[str, Any]) -> TaskRecord:
        now = self.task
        if now.state == outcome.state and now.lease_epoch == self.lease.epoch:
            return now  # ended in the handler's own transaction, or in one whose answer was lost
        values = dict(values)
        with self.lease.fenced() as uow:
            task = store.get_in(uow, self.lease.task_id)
            if task.command == "cancel" and outcome.state in ("succeeded", "paused"):
                outcome = Outcome("cancelled")
                workdirs.empty(task.id, kind_of(task.kind))
            result = outcome.result
            if outcome.state == "succeeded" and outcome.on_commit:
                result = outcome.on_commit(uow) or result
            if task.state in ("validating", "queued") and outcome.state in ("succeeded", "paused"):
                store.move(uow, task.id, "running", epoch=self.lease.epoch)
            if result is not None:
                values["result"] = result.to_dict()
            values |= {"reason": outcome.reason, "message": event_message}
            ended = store.move(uow, task.id, outcome.state, epoch=self.lease.epoch, **values)
            uow.commit()
        return ended

    def _beat(self) -> float:
        """Record a sign of life; renew the lease when due, and extend it beyond the longest step seen."""
        now, waited_s = time.monotonic(), patience.waited_s()
        if now > self.lease.quiet_until:
            self.lease.saw_step(now - self._beat_at - (waited_s - self._waited_s))
        self._beat_at, self._waited_s = now, waited_s
        if now - self._renewed >= self._renew_s:
            self.lease.renew()
            self._renewed = now
        return now

    def _read_command(self) -> str:
        found = read(select(TASKS.c.command).where(self.lease.held))
        if not found:
            raise self.lease.lost()
        return str(found[0].command)
