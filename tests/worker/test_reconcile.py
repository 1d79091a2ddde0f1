"""One pass puts right what died, what Redis forgot, and what waits in vain."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from sqlalchemy import text, update

from core.platform.db.uow import UnitOfWork
from core.platform.redis_server import redis_connection
from core.platform.tasks import owners, store
from core.platform.tasks.announce import wake_with
from core.platform.tasks.lease import acquire
from tests.support import counting
from worker import reconcile


def change(task_id: str, **columns: object) -> None:
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).where(store.TASKS.c.id == task_id).values(**columns))
        uow.commit()


def queued() -> list[str]:
    with redis_connection() as redis:
        return [job_id.decode().rpartition("-")[0] for job_id in redis.lrange("rq:queue:sft-cpu", 0, -1)]


def forget() -> None:
    with redis_connection() as redis:
        redis.flushall()


def test_tasks_that_redis_lost_are_announced_again_once(real_redis) -> None:
    task_id = counting.start(until=1)
    forget()
    change(task_id, announced_at=time.time() - 60)
    reconcile.reconcile()
    reconcile.reconcile()
    assert queued() == [task_id]


def test_a_due_task_is_announced_although_redis_was_emptied(real_redis) -> None:
    task_id = counting.start(until=1)
    forget()
    change(task_id, not_before=time.time() + 60, announced_at=None)
    reconcile.reconcile()
    assert queued() == []
    change(task_id, not_before=time.time() - 1)
    reconcile.reconcile()
    assert queued() == [task_id]


def test_the_reconciler_wakes_when_a_task_is_due(real_redis) -> None:
    task_id = counting.start(until=1)
    assert reconcile._pause_s() == 15.0
    change(task_id, not_before=time.time() + 5)
    assert 0.5 <= reconcile._pause_s() <= 5.0
    change(task_id, not_before=time.time() + 900)
    assert reconcile._pause_s() == 15.0


def test_a_message_that_a_worker_has_just_taken_is_not_doubled(real_redis) -> None:
    counting.start(until=1)
    forget()
    reconcile.reconcile()
    assert queued() == []


def test_an_expired_lease_is_taken_over_and_announced(real_redis) -> None:
    task_id = counting.start(until=1)
    assert acquire(task_id, "dead") is not None
    forget()
    change(task_id, lease_expires_at=1.0)
    reconcile.reconcile()
    assert store.get(task_id).waits_to_resume
    assert queued() == [task_id]


def ended() -> int:
    """The id of a real process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lease_is_freed_at_once_when_worker_and_work_process_died(real_redis) -> None:
    task_id = counting.start(until=1)
    assert acquire(task_id, f"gpu-{owners.place()}-{ended()}-0a1b:{ended()}") is not None
    forget()
    reconcile.reconcile()
    task = store.get(task_id)
    assert task.waits_to_resume
    assert task.crashes == 1
    assert queued() == [task_id]


@pytest.mark.parametrize(
    "owner",
    [
        "gpu-elsewhere.f00-{dead}-0a1b:{dead}",  # another machine's process ids say nothing here
        "gpu-{here}-{alive}-0a1b:{dead}",  # its worker lives: it knows the cause, and frees the lease itself
        "gpu-{here}-{dead}-0a1b:{alive}",  # it is still saving
    ],
)
def test_an_owner_that_may_live_keeps_its_lease(real_redis, owner: str) -> None:
    task_id = counting.start(until=1)
    name = owner.format(here=owners.place(), alive=os.getpid(), dead=ended())
    assert acquire(task_id, name) is not None
    reconcile.reconcile()
    assert store.get(task_id).lease_owner == name


def test_a_worker_and_its_work_process_are_named_for_their_place() -> None:
    assert owners.worker_name("gpu").startswith(f"gpu-{owners.place()}-{os.getpid()}-")
    assert not owners.is_gone(f"{owners.worker_name('gpu')}:{os.getpid()}")


def test_a_valid_lease_is_not_taken_over(real_redis) -> None:
    task_id = counting.start(until=1)
    lease = acquire(task_id, "alive")
    forget()
    reconcile.reconcile()
    assert store.get(task_id).lease_owner == "alive"
    assert lease is not None
    lease.renew()
    assert queued() == []


def test_a_lease_lost_under_a_cancel_is_the_cancel(real_redis) -> None:
    task_id = counting.start(until=1)
    assert acquire(task_id, "dead") is not None
    change(task_id, lease_expires_at=1.0, command="cancel")
    reconcile.reconcile()
    assert store.get(task_id).state == "cancelled"


def test_a_dependent_task_that_missed_the_failure_fails_too(real_redis) -> None:
    needed = counting.start(until=1)
    failing = counting.start(until=1, after=needed)
    change(needed, state="failed", error={"message": "No memory.", "remedy": "Buy some.", "cause": "out_of_memory"})
    reconcile.reconcile()
    failed = store.get(failing)
    assert (failed.state, failed.reason) == ("failed", "out_of_memory")
    assert "No memory." in failed.error["message"]


def test_a_dependent_task_is_announced_once_its_dependency_is_done(real_redis) -> None:
    needed = counting.start(until=1)
    waiting = counting.start(until=1, after=needed)
    assert queued() == [needed]
    change(needed, state="succeeded")
    reconcile.reconcile()
    assert queued() == [needed, waiting]


def test_one_bad_row_never_stops_the_batch(real_redis, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = counting.start(until=1), counting.start(until=1)
    for task_id in (bad, good):
        assert acquire(task_id, "dead") is not None
        change(task_id, lease_expires_at=1.0)
    with UnitOfWork() as uow:  # not JSON: reading this row fails
        uow.execute(text("UPDATE background_tasks SET payload = '{' WHERE id = :id"), {"id": bad})
        uow.commit()
    reconcile.reconcile()
    assert store.get(good).waits_to_resume
    assert bad in caplog.text


def test_without_redis_leases_are_still_freed(studio_env) -> None:
    task_id = counting.start(until=1)
    assert acquire(task_id, "dead") is not None
    change(task_id, lease_expires_at=1.0)
    reconcile.reconcile()
    assert store.get(task_id).waits_to_resume


def test_a_worker_without_redis_gets_the_tasks_of_its_queue(studio_env) -> None:
    """Redis does not run here: what it knows is not asked, and other queues' tasks stay as they are."""
    mine, other = counting.start(until=1), counting.start(until=1, queue="io")
    woken: list[str] = []
    wake_with("cpu", lambda task_id: not woken.append(task_id))
    try:
        reconcile.reconcile(own="cpu")
    finally:
        wake_with("cpu", None)
    assert woken == [mine]
    assert store.get(other).announced_at is None
