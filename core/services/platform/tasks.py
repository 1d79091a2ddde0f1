"""Background tasks for screens and the command line: list, follow, act, and explain why one waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from core.platform import logs
from core.platform.db.uow import UnitOfWork
from core.platform.processes import is_alive
from core.platform.redis_server import redis_connection
from core.platform.tasks import commands, owners, store
from core.platform.tasks.announce import queue_name
from core.platform.tasks.commands import request as request
from core.platform.tasks.kinds import KINDS as KINDS, QUEUES, kind_of as kind
from core.platform.tasks.records import EventRecord, FinishedRecord, TaskRecord, WorkerRecord
from core.platform.tasks.states import STATES as STATES, TERMINAL
from core.platform.tasks.store import last_event_id as last_event_id

WORKER_TTL_S = 30  # a worker reports to Redis at least this often
_STALE_S = WORKER_TTL_S + 15


def list_tasks(*, kind: str | None = None, state: str | None = None, limit: int = 200) -> list[TaskRecord]:
    """Tasks, newest first."""
    return [owners.seen(task) for task in store.find(kind=kind, states=[state] if state else (), limit=limit)]


def list_about(kind: str, **payload: str) -> list[TaskRecord]:
    """The newest tasks of a kind whose payload has these entries, newest first."""
    return [task for task in list_tasks(kind=kind) if payload.items() <= task.payload.items()]


def get_task(task_id: str) -> TaskRecord:
    """One task. Raises NotFound."""
    return owners.seen(store.get(task_id))


def events(task_id: str, since_id: int = 0) -> list[EventRecord]:
    """A task's events after `since_id`, oldest first."""
    return store.events(task_id=task_id, since_id=since_id)


def events_since(since_id: int) -> list[FinishedRecord]:
    """Tasks that ended after the event `since_id`, oldest first, for toasts."""
    ended = [event for event in store.events(since_id=since_id, kind="state") if event.data.get("to") in TERMINAL]
    records = []
    for event in ended:
        task = store.get(event.task_id)
        state = str(event.data["to"])
        records.append(FinishedRecord(event.id, task.id, task.kind, task.title, state, event.message, event.created_at))
    return records


def actions(task: TaskRecord) -> tuple[str, ...]:
    """The actions that a task allows now: resume, retry, keep (its last checkpoint), pause, stop (and keep), cancel."""
    return commands.actions(task, checkpoint_step=checkpoint_steps([task]).get(task.id, 0))


def checkpoint_steps(listed: Sequence[TaskRecord]) -> dict[str, int]:
    """The step of the last good checkpoint of each task that failed, was cancelled or is paused."""
    left = [task.id for task in listed if kind(task.kind).can_keep and task.state in ("failed", "cancelled", "paused")]
    if not left:
        return {}
    with UnitOfWork(write=False) as uow:
        return store.checkpoint_steps(uow, left)


def log_tail(task_id: str, lines: int = 200) -> list[str]:
    """The last lines of a task's log, oldest first."""
    return logs.tail(task_id, lines)


def waiting_reason(task: TaskRecord) -> str | None:
    """Why a task waits, as a short sentence; None if it does not wait."""
    if not task.is_active or task.lease_owner:
        return None
    if task.after_task_id:
        needed = store.get(task.after_task_id)
        if needed.state != "succeeded":
            return f"Waits for “{needed.title}”."
    running = [worker for worker in workers() if worker.queue == task.queue]
    prefix = "Waiting to resume: " if task.waits_to_resume else ""
    if not running:
        return f"{prefix}no {task.queue} worker is running. Start one with `sft worker`, or everything with `sft up`."
    before = store.line_before(task)
    held = [other for other in before if other.lease_owner]
    if len(held) >= len(running):
        place = len(before) - len(held) + 1
        return f"{prefix}the {task.queue} worker is busy ({held[0].title}); {_ordinal(place)} in line."
    return f"{prefix}a worker will take it in a moment."


def workers() -> list[WorkerRecord]:
    """The running workers, from Redis; [] when Redis does not respond."""
    from redis.exceptions import RedisError
    from rq import Worker
    from rq.worker_registration import get_keys

    records = []
    try:
        with redis_connection() as connection:
            for key in sorted(get_keys(connection=connection)):
                worker = Worker.find_by_key(key, connection=connection, serializer="json")
                record = _record(worker) if worker else None
                if record:
                    records.append(record)
    except (RedisError, OSError):
        return []
    return records


def _record(worker: object) -> WorkerRecord | None:
    """The record of RQ's worker; None for one that no longer reports, or that serves other queues."""
    queues = [queue for queue in QUEUES if queue_name(queue) in worker.queue_names()]  # type: ignore[attr-defined]
    heartbeat = worker.last_heartbeat  # type: ignore[attr-defined]
    if not queues or heartbeat is None:
        return None
    seen_at = heartbeat.timestamp()
    pid = worker.pid if worker.hostname == socket.gethostname() else None  # type: ignore[attr-defined]
    if time.time() - seen_at > _STALE_S or (pid is not None and not is_alive(pid)):  # killed without a goodbye
        return None
    job_id = worker.get_current_job_id() or ""  # type: ignore[attr-defined]
    state = str(worker.get_state())  # type: ignore[attr-defined]
    return WorkerRecord(worker.name, queues[0], state, job_id.rpartition("-")[0] or None, seen_at)  # type: ignore[attr-defined]


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
