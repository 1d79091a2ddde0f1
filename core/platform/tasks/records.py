"""Frozen records of tasks and their events, returned in place of database objects."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from core.platform.tasks.states import STARTED, TERMINAL, WORKABLE


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A snapshot of a task: every column of `background_tasks`. All `*_at` are Unix seconds."""

    id: str
    kind: str
    title: str
    queue: str
    payload: dict[str, Any]
    idempotency_key: str | None
    after_task_id: str | None
    state: str
    reason: str
    attempt: int
    crashes: int
    lease_owner: str | None
    lease_expires_at: float | None
    lease_epoch: int
    lease_allowance_s: float
    command: str
    command_at: float | None
    progress: float
    phase: str
    message: str
    error: dict[str, Any]
    result: dict[str, Any]
    announced_at: float | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    updated_at: float
    archived_at: float | None = None
    not_before: float | None = None  # no worker takes it before

    @classmethod
    def of(cls, row: RowMapping) -> TaskRecord:
        """The record of a row of `background_tasks`."""
        return cls(**dict(row))

    @property
    def person(self) -> str:
        """Who started it; "" where sign-in is off, or if a program or the studio itself did."""
        return str(self.payload.get("person") or "")

    @property
    def asked(self) -> dict[str, Any]:
        """What it was asked to do: the payload, whoever started it."""
        return {name: value for name, value in self.payload.items() if name != "person"}

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL

    @property
    def is_active(self) -> bool:
        """A worker holds it, or one should."""
        return self.state in WORKABLE

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end, or to now; None before it started."""
        return None if self.started_at is None else max(0.0, (self.finished_at or time.time()) - self.started_at)

    @property
    def waits_to_resume(self) -> bool:
        """Started, and no worker holds it now: screens show "Waiting to resume". Not between two planned visits."""
        return self.state in STARTED and self.lease_owner is None and self.not_before is None

    @property
    def waits_until(self) -> float | None:
        """The time (Unix seconds) before which no worker takes it, if that is in the future."""
        return self.not_before if self.is_active and self.not_before and self.not_before > time.time() else None

    @property
    def is_planned(self) -> bool:
        """It starts at a set time that has not come."""
        return self.state == "pending" and self.waits_until is not None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened to a task. `kind`: state, checkpoint, evaluation, data, log or recovery."""

    id: int
    task_id: str
    kind: str
    level: str
    message: str
    data: dict[str, Any]
    created_at: float


@dataclass(frozen=True, slots=True)
class FinishedRecord:
    """A task that ended, for the toast. `id` is the event's; pass it back as the last one seen. `dataset_id`: of the
    dataset that it made or checked, "" for other tasks."""

    id: int
    task_id: str
    kind: str
    title: str
    state: str
    message: str
    created_at: float
    dataset_id: str = ""


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker process as registered in Redis. `task_id` is its current task.

    `title` is its name for people, such as `Training worker`, with a number where its queue has several; `host` is the
    other machine that it runs on, "" for this one.
    """

    name: str
    title: str
    host: str
    queue: str
    state: str  # idle | busy | starting
    task_id: str | None
    seen_at: float
