"""Background tasks for screens and the command line: list, follow, act, and explain why one waits."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.errors import QueueUnavailable
from core.platform import logs, redis_server
from core.platform.db.uow import UnitOfWork
from core.platform.processes import OWN_NOTE, is_alive, note_of
from core.platform.tasks import commands, owners, store
from core.platform.tasks.announce import queue_name
from core.platform.tasks.commands import (
    request as request,
    schedule as schedule,
    start_now as start_now,
)
from core.platform.tasks.kinds import KINDS as KINDS, QUEUES, WORKER_TITLES, kind_of as kind
from core.platform.tasks.records import EventRecord, TaskRecord, WorkerRecord
from core.platform.tasks.states import STATES as STATES, TERMINAL as TERMINAL
from core.platform.tasks.store import last_event_id as last_event_id, tally as tally
from core.settings import get_settings
from core.text import moment

WORKER_TTL_S = 30  # a worker reports to Redis at least this often
_STALE_S = WORKER_TTL_S + 15
_SILENCE_S = 3.0  # a Redis that did not respond is asked again after this time: each question blocks a screen for 2 s
_silent_until: dict[str, float] = {}  # by address, on this process's clock


def list_tasks(
    *, kind: str | None = None, state: str | None = None, limit: int = 200, offset: int = 0
) -> list[TaskRecord]:
    """Tasks, newest first."""
    states = [state] if state else ()
    return [owners.seen(task) for task in store.find(kind=kind, states=states, limit=limit, offset=offset)]


def list_about(kind: str, **payload: str) -> list[TaskRecord]:
    """The newest tasks of a kind whose payload has these entries, newest first."""
    return [owners.seen(task) for task in store.find(kind=kind, about=payload)]


def get_task(task_id: str) -> TaskRecord:
    """One task. Raises NotFound."""
    return owners.seen(store.get(task_id))


def events(task_id: str, since_id: int = 0) -> list[EventRecord]:
    """A task's events after `since_id`, oldest first."""
    return store.events(task_id=task_id, since_id=since_id)


def actions(task: TaskRecord, checkpoint_step: int | None = None) -> tuple[str, ...]:
    """The actions that a task allows now: resume, retry, keep (its last checkpoint), pause, stop (and keep), cancel.

    Args:
        checkpoint_step: from `checkpoint_steps`, where it was read for many tasks at once.
    """
    step = checkpoint_steps([task]).get(task.id, 0) if checkpoint_step is None else checkpoint_step
    return commands.actions(task, checkpoint_step=step)


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
    return waiting_reasons([task]).get(task.id)


def waiting_reasons(listed: Iterable[TaskRecord]) -> dict[str, str]:
    """Why tasks wait, for those that do: a few queries for any number of tasks."""
    waiting = [task for task in listed if task.is_active and not task.lease_owner]
    planned = {task.id: f"Starts on {moment(task.not_before)}." for task in waiting if task.is_planned}
    waiting = [task for task in waiting if not task.waits_until]
    if not waiting:
        return planned
    needed = store.stages({task.after_task_id for task in waiting if task.after_task_id})
    running, silent = Counter[str](), ""
    try:
        running.update(worker.queue for worker in workers())
    except QueueUnavailable as error:
        silent = str(error)
    held, places = store.lines({task.queue for task in waiting}, [task.id for task in waiting])

    def reason(task: TaskRecord) -> str:
        first, state, progress = needed.get(task.after_task_id or "", ("", "succeeded", 100.0))
        if state != "succeeded":
            return f"Waits for “{first}”{f', {progress:.0f}% done' if progress >= 1 else ''}."
        title = WORKER_TITLES.get(task.queue, "worker")
        prefix = "Waiting to resume: " if task.waits_to_resume else ""
        if silent:
            return f"{prefix}{silent}"
        if not running[task.queue] and note_of(f"worker-{task.queue}") == OWN_NOTE:
            return f"{prefix}a command works on another task; the {title} starts when it ends."
        if not running[task.queue]:
            start = "Start one with `sft worker`, or everything with `sft up`."
            return f"{prefix}no {title} is running. {start}"
        in_work = held.get(task.queue, [])
        if len(in_work) >= running[task.queue] and task.id in places:  # a worker may have taken it since it was read
            return f"{prefix}the {title} is busy ({in_work[0]}); {_ordinal(places[task.id])} in line."
        return f"{prefix}a worker will take it in a moment."

    return planned | {task.id: reason(task) for task in waiting}


def workers() -> list[WorkerRecord]:
    """The running workers, from Redis; [] when the studio's own Redis was not started.

    Raises:
        QueueUnavailable: Redis does not respond, so it is unknown which workers run.
    """
    from redis.exceptions import RedisError
    from rq import Worker
    from rq.worker_registration import get_keys

    address, records = get_settings().redis_url or str(redis_server.socket_path()), []
    if time.monotonic() < _silent_until.get(address, 0.0):
        raise redis_server.unavailable()
    try:
        with redis_server.redis_connection() as connection:
            for key in sorted(get_keys(connection=connection)):
                worker = Worker.find_by_key(key, connection=connection, serializer="json")
                record = _record(worker) if worker else None
                if record:
                    records.append(record)
    except (RedisError, OSError) as error:
        if redis_server.is_stopped(error):
            return []
        _silent_until[address] = time.monotonic() + _SILENCE_S
        raise redis_server.unavailable() from error
    return _numbered(records)


def _numbered(records: Sequence[WorkerRecord]) -> list[WorkerRecord]:
    """The workers with a number in their titles where a queue has several."""
    of_queue, seen = Counter(record.queue for record in records), Counter[str]()
    titled = []
    for record in records:
        seen[record.queue] += 1
        number = f" {seen[record.queue]}" if of_queue[record.queue] > 1 else ""
        titled.append(replace(record, title=f"{record.title}{number}"))
    return titled


def _record(worker: object) -> WorkerRecord | None:
    """The record of RQ's worker; None for one that no longer reports, or that serves other queues."""
    queues = [queue for queue in QUEUES if queue_name(queue) in worker.queue_names()]  # type: ignore[attr-defined]
    heartbeat = worker.last_heartbeat  # type: ignore[attr-defined]
    if not queues or heartbeat is None:
        return None
    seen_at = heartbeat.timestamp()
    host = str(worker.hostname or "")  # type: ignore[attr-defined]
    pid = worker.pid if host == socket.gethostname() else None  # type: ignore[attr-defined]
    if time.time() - seen_at > _STALE_S or (pid is not None and not is_alive(pid)):  # killed without a goodbye
        return None
    job_id = worker.get_current_job_id() or ""  # type: ignore[attr-defined]
    state = str(worker.get_state())  # type: ignore[attr-defined]
    return WorkerRecord(
        name=worker.name,  # type: ignore[attr-defined]
        title=WORKER_TITLES[queues[0]].capitalize(),
        host="" if pid is not None else host,
        queue=queues[0],
        state=state,
        task_id=job_id.rpartition("-")[0] or None,
        seen_at=seen_at,
    )


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
