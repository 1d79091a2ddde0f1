"""The bell: one message per announcement, an id and nothing else; and none where none is due."""

from __future__ import annotations

import json

from core.platform.redis_server import redis_connection
from core.platform.tasks import recovery, store
from core.platform.tasks.announce import announce


def messages() -> list[list[object]]:
    with redis_connection() as redis:
        ids = [job_id.decode() for job_id in redis.lrange("rq:queue:sft-cpu", 0, -1)]
        from rq.job import Job

        jobs = [Job.fetch(job_id, connection=redis, serializer="json") for job_id in ids]
        return [json.loads(job.data) for job in jobs]


def test_a_message_carries_the_id_and_nothing_else(real_redis, make_task) -> None:
    task = make_task()
    assert announce(task.id)
    assert messages() == [["worker.run.run_task", None, [task.id], {}]]
    assert store.get(task.id).announced_at is not None


def test_tasks_that_need_no_worker_are_not_announced(real_redis, make_task) -> None:
    needed = make_task(state="paused")
    waiting = make_task(after_task_id=needed.id)
    held = make_task(state="running", lease_owner="w")
    done = make_task(state="succeeded")
    assert [announce(task.id) for task in (needed, waiting, held, done)] == [False] * 4
    assert messages() == []


def test_without_redis_the_row_remains_and_nothing_fails(studio_env, make_task) -> None:
    task = make_task()
    assert announce(task.id) is False
    assert store.get(task.id).announced_at is None


def test_what_waited_for_the_same_task_runs_in_the_order_of_its_creation(real_redis, make_task) -> None:
    needed = make_task(state="succeeded")
    waiting = [make_task(after_task_id=needed.id, created_at=float(number)) for number in (1, 2, 3)]
    recovery.settle(needed.id)
    assert sorted(arguments for _, _, arguments, _ in messages()) == sorted([task.id] for task in waiting)
    with redis_connection() as redis:
        queued = [job_id.decode() for job_id in redis.lrange("rq:queue:sft-cpu", 0, -1)]
    assert [name.rpartition("-")[0] for name in queued] == [task.id for task in waiting]
