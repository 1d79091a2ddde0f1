"""Wake a worker for a task: through its queue in Redis, or the one of this process. The row is the source of truth."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable

from sqlalchemy import update

from core.errors import DatabaseUnavailable
from core.platform.db.tables import TASKS
from core.platform.db.uow import UnitOfWork
from core.platform.redis_server import redis_connection
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.states import WORKABLE

log = logging.getLogger(__name__)

RUN_TASK = "worker.run.run_task"  # the only function that workers run

_own: dict[str, Callable[[str], bool]] = {}  # by queue: what wakes this process's own worker


def wake_with(queue: str, wake: Callable[[str], bool] | None) -> None:
    """From now on the tasks of a queue go to a worker of this process, without Redis; None: to Redis again.

    Args:
        wake: gets the id of a task; returns whether the worker takes it.
    """
    if wake is None:
        _own.pop(queue, None)
    else:
        _own[queue] = wake


def queue_name(queue: str) -> str:
    """The name in Redis, with a prefix because Redis may be shared: `sft-gpu`."""
    return f"sft-{queue}"


def announce(task_id: str) -> bool:
    """Wake a worker for a committed task; False when none is woken (with a log line when Redis does not answer).

    Nothing is lost then: the reconciler, or the next command that waits for the task, announces it again. A task whose
    dependency has not succeeded is not announced; the end of the dependency does that. Nor is one that waits for its
    time; the reconciler announces it then.
    """
    task = store.get(task_id)
    if task.state not in WORKABLE or task.lease_owner or task.waits_until or not _may_start(task):
        return False
    if not (_own[task.queue](task_id) if task.queue in _own else _put_on_queue(task)):
        return False
    with contextlib.suppress(DatabaseUnavailable), UnitOfWork() as uow:  # unnoted, it is announced again: harmless
        uow.execute(update(TASKS).where(TASKS.c.id == task_id).values(announced_at=time.time()))
        uow.commit()
    return True


def _put_on_queue(task: TaskRecord) -> bool:
    try:
        from rq import Queue
        from rq.serializers import JSONSerializer

        with redis_connection() as connection:
            queue = Queue(queue_name(task.queue), connection=connection, serializer=JSONSerializer)
            queue.enqueue_call(
                RUN_TASK,
                args=(task.id,),
                job_id=f"{task.id}-{secrets.token_hex(4)}",  # one id per message, not per task
                timeout=-1,  # the lease limits the work, not a clock
                result_ttl=0,
                failure_ttl=3600,
            )
    except Exception as error:  # the row remains and is announced again
        log.warning("Task %s could not be put on queue %s: %s", task.id, task.queue, error)
        return False
    return True


def _may_start(task: TaskRecord) -> bool:
    return task.after_task_id is None or store.get(task.after_task_id).state == "succeeded"
