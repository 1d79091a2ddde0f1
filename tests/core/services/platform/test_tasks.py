"""What screens ask about tasks."""

from __future__ import annotations

import os
import socket

import pytest
from sqlalchemy import update

from core.platform.db.uow import UnitOfWork
from core.platform.logs import log_path
from core.platform.tasks import store
from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire
from core.services.platform import news, tasks
from tests.support import counting


@pytest.fixture
def registered_worker(real_redis):
    """A worker known to Redis, without a process behind its loop."""
    from worker.queues import make_worker

    worker = make_worker("cpu")
    worker.register_birth()
    return worker


def test_a_task_waits_because_no_worker_runs(studio_env) -> None:
    task = store.get(counting.start(until=1))
    said = "no data worker is running. Start one with `sft worker`, or everything with `sft up`."
    assert tasks.waiting_reason(task) == said


def test_a_task_waits_for_another(studio_env) -> None:
    needed = counting.start(until=7)
    waiting = store.get(counting.start(until=1, after=needed))
    assert tasks.waiting_reason(waiting) == "Waits for “Count to 7”."
    lease = acquire(needed, "w")
    assert lease is not None
    TaskContext(lease).progress(34.0, "counting")
    assert tasks.waiting_reason(waiting) == "Waits for “Count to 7”, 34% done."


def test_a_task_waits_in_line(registered_worker) -> None:
    busy, second, third = (counting.start(until=number) for number in (1, 2, 3))
    acquire(busy, "w")
    assert tasks.waiting_reason(store.get(busy)) is None
    assert tasks.waiting_reason(store.get(second)) == "the data worker is busy (Count to 1); 1st in line."
    assert tasks.waiting_reason(store.get(third)) == "the data worker is busy (Count to 1); 2nd in line."


def test_a_task_that_was_taken_since_it_was_read_does_not_wait_for_itself(registered_worker) -> None:
    read_before = store.get(counting.start(until=1))
    acquire(read_before.id, "w")
    assert tasks.waiting_reason(read_before) == "a worker will take it in a moment."


def test_a_task_waits_to_resume(registered_worker) -> None:
    task_id = counting.start(until=1)
    lease = acquire(task_id, "w")
    assert lease is not None
    lease.release()
    assert tasks.waiting_reason(store.get(task_id)) == "Waiting to resume: a worker will take it in a moment."


def test_only_running_workers_are_listed(registered_worker) -> None:
    (worker,) = tasks.workers()
    assert (worker.queue, worker.task_id) == ("cpu", None)
    registered_worker.connection.hset(registered_worker.key, "pid", 2**22 + os.getpid())
    registered_worker.connection.hset(registered_worker.key, "hostname", socket.gethostname())
    assert tasks.workers() == []


def test_without_redis_there_are_no_workers(studio_env) -> None:
    assert tasks.workers() == []


def test_toasts_list_the_tasks_that_ended_since(studio_env) -> None:
    task_id = counting.start(until=1)
    since = tasks.last_event_id()
    assert news.since(since).ended == ()
    with UnitOfWork() as uow:
        store.move(uow, task_id, "running")
        store.move(uow, task_id, "succeeded")
        uow.commit()
    (ended,) = news.since(since).ended
    assert (ended.task_id, ended.state, ended.title) == (task_id, "succeeded", "Count to 1")
    assert news.since(ended.id).ended == ()


def test_the_log_is_read_from_its_end(studio_env) -> None:
    assert tasks.log_tail("task_x") == []
    log_path("task_x").write_text("\n".join(f"line {number}" for number in range(100_000)))
    assert tasks.log_tail("task_x", lines=2) == ["line 99998", "line 99999"]


def test_a_log_outside_the_folder_is_not_read(studio_env) -> None:
    (studio_env / "secret.log").write_text("secret")
    assert tasks.log_tail("../../secret") == []


def test_tasks_are_listed_newest_first(studio_env) -> None:
    first, second = counting.start(until=1), counting.start(until=2)
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).where(store.TASKS.c.id == first).values(state="paused"))
        uow.commit()
    assert [task.id for task in tasks.list_tasks()] == [second, first]
    assert [task.id for task in tasks.list_tasks(kind="counting", state="paused")] == [first]
    assert tasks.get_task(first).title == "Count to 1"
