"""Finds tasks whose worker died and recovers them, at start and every 15 s: `python -m worker.reconcile`.

The rows are the source of truth. Every step is a compare-and-set, so any number of reconcilers may run at once; one
bad row is logged and never stops the batch.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable

from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from core.platform import disk, life, logs
from core.platform.private import keep_private
from core.platform.redis_server import redis_connection
from core.platform.tasks import recovery, store
from core.platform.tasks.announce import announce, queue_name
from core.platform.tasks.kinds import QUEUES
from core.services.platform import budgets
from core.services.platform.notices import delivery as notices
from core.services.serving.recorded import recording
from core.services.serving.shutdowns import watching as shutdowns
from core.settings import get_settings

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S = 0.5  # however many tasks are due


def reconcile(own: str = "") -> None:
    """One pass: leases of dead workers, expired leases, then tasks whose dependency failed or that Redis lost;
    recorded conversations whose days are over, reservations of paid work that has ended, and notices to deliver.

    Args:
        own: the queue of a worker that needs no Redis and waits for work: only its tasks are announced.
    """
    disk.hold_back()
    owners = dict(recovery.orphaned())
    _each("free", owners, lambda task_id: recovery.after_death(task_id, owners[task_id], "killed"))
    _each("take over", recovery.expired(), _take_over)
    known = set() if own else _announced()
    _each("announce", recovery.unheld(), lambda task_id: _look_after(task_id, known, own))
    recording.forget_expired()
    budgets.close_ended()
    budgets.warn()
    if not own:  # its worker serves one queue; the next `sft up` delivers
        shutdowns.dispatch()
        notices.dispatch()


def _take_over(task_id: str) -> None:
    if recovery.take_over(task_id):
        log.warning("Task %s: its lease expired and was freed.", task_id)
        recovery.settle(task_id)


def _look_after(task_id: str, known: set[str] | None, own: str) -> None:
    task = store.get(task_id)
    if task.after_task_id and task.state == "pending":
        recovery.fail_dependent(task, store.get(task.after_task_id))
    if own:
        if task.queue == own:
            announce(task_id)
        return
    # A worker that has just taken the message needs a moment until it holds the lease.
    just_now = task.announced_at is not None and time.time() - task.announced_at < get_settings().reconcile_s
    if known is not None and task_id not in known and not just_now and announce(task_id):
        log.info("Task %s was announced again.", task_id)


def _announced() -> set[str] | None:
    """Ids of the tasks whose messages wait in Redis; None when it does not respond."""
    task_ids: set[str] = set()
    try:
        with redis_connection() as connection:
            for name in QUEUES:
                queue = Queue(queue_name(name), connection=connection, serializer=JSONSerializer)
                task_ids |= {job_id.rpartition("-")[0] for job_id in queue.get_job_ids()}
    except (RedisError, OSError) as error:
        log.warning("Redis does not respond: %s", error)
        return None
    return task_ids


def _pause_s() -> float:
    """Seconds until the next pass: earlier than usual where a task is due before."""
    longest_s = get_settings().reconcile_s
    try:
        due_s = recovery.next_due_s()
    except Exception:
        log.exception("The reconciler could not read when the next task is due.")
        return longest_s
    return longest_s if due_s is None else min(longest_s, max(due_s, SHORTEST_PAUSE_S))


def _each(action: str, task_ids: Iterable[str], act: Callable[[str], None]) -> None:
    for task_id in task_ids:
        life.sign()
        try:
            act(task_id)
        except Exception:
            log.exception("The reconciler could not %s task %s; it continues with the others.", action, task_id)


def main() -> None:
    """Reconcile now and every `reconcile_s`, until SIGTERM."""
    keep_private()
    logs.configure("reconciler")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        life.sign()
        try:
            reconcile()
        except Exception:
            log.exception("A pass of the reconciler failed; it will try again.")
        stop.wait(_pause_s())


if __name__ == "__main__":
    main()
