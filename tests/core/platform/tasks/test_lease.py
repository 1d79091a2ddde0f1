"""The lease: who may write, by the database's clock and by epoch."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import update

from core.errors import LeaseLost
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import recovery, store
from core.platform.tasks.lease import MAX_ALLOWANCE_S, Lease, acquire
from core.platform.tasks.states import STATES, WORKABLE


def test_a_pending_task_begins_when_it_is_taken(database, make_task) -> None:
    task = make_task()
    lease = acquire(task.id, "w1", first_state="validating")
    assert lease is not None
    taken = store.get(task.id)
    assert (taken.state, taken.lease_owner, taken.lease_epoch) == ("validating", "w1", 1)
    assert taken.lease_expires_at == pytest.approx(time.time() + 60, abs=5)
    assert acquire(task.id, "w2") is None


@pytest.mark.parametrize("state", STATES)
def test_only_unfinished_work_is_taken(studio_env, make_task, state: str) -> None:
    assert (acquire(make_task(state=state).id, "w") is not None) == (state in WORKABLE)


def test_of_many_workers_one_wins(database, make_task) -> None:
    task = make_task()
    won: list[Lease] = []
    start = threading.Barrier(6)

    def take(number: int) -> None:
        start.wait()
        if lease := acquire(task.id, f"w{number}"):
            won.append(lease)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.get(task.id).lease_owner == won[0].owner


def test_a_dependent_task_is_not_taken_before_its_dependency_succeeded(database, make_task) -> None:
    needed = make_task()
    task = make_task(after_task_id=needed.id)
    assert acquire(task.id, "w") is None
    with UnitOfWork() as uow:
        store.move(uow, needed.id, "running")
        store.move(uow, needed.id, "succeeded")
        uow.commit()
    assert acquire(task.id, "w") is not None


def test_release_keeps_the_state_and_the_next_epoch_is_higher(database, make_task) -> None:
    task = make_task()
    first = acquire(task.id, "w1")
    assert first is not None
    first.release()
    waiting = store.get(task.id)
    assert waiting.state == "running"
    assert waiting.waits_to_resume
    second = acquire(task.id, "w2")
    assert second is not None
    assert second.epoch == first.epoch + 1


def test_every_write_of_the_loser_is_refused(database, make_task) -> None:
    task = make_task()
    loser = acquire(task.id, "w1")
    assert loser is not None
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).values(lease_expires_at=1.0))
        uow.commit()
    assert recovery.expired() == [task.id]
    assert recovery.take_over(task.id)
    assert acquire(task.id, "w2") is not None

    with pytest.raises(LeaseLost):
        loser.renew()
    with pytest.raises(LeaseLost):
        loser.write(progress=99.0)
    with pytest.raises(LeaseLost), loser.fenced():
        pytest.fail("a fenced transaction opened")
    loser.release()
    now = store.get(task.id)
    assert (now.lease_owner, now.progress) == ("w2", 0.0)


def test_the_same_owner_with_an_old_epoch_is_refused(database, make_task) -> None:
    """A process id may come again; the epoch does not."""
    task = make_task()
    first = acquire(task.id, "w1")
    assert first is not None
    first.release()
    assert acquire(task.id, "w1") is not None
    with pytest.raises(LeaseLost):
        first.renew()


def test_an_expired_lease_that_was_not_taken_over_remains_valid(database, make_task) -> None:
    task = make_task()
    lease = acquire(task.id, "w1")
    assert lease is not None
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).values(lease_expires_at=1.0))
        uow.commit()
    lease.renew()
    assert recovery.expired() == []
    assert not recovery.take_over(task.id)


def test_a_takeover_waits_for_a_started_fenced_write(postgres_env, make_task) -> None:
    """On PostgreSQL the fenced transaction holds the row: nobody takes over between its check and its commit."""
    task = make_task()
    lease = acquire(task.id, "w1")
    assert lease is not None
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).values(lease_expires_at=1.0))
        uow.commit()
    order: list[str] = []

    def take_over() -> None:
        recovery.take_over(task.id)
        order.append("taken over")

    with lease.fenced() as uow:
        thread = threading.Thread(target=take_over)
        thread.start()
        thread.join(0.3)
        store.event(uow, task.id, "data", "written")
        order.append("committed")
        uow.commit()
    thread.join()
    assert order == ["committed", "taken over"]


def test_the_lease_outlasts_the_longest_step(studio_env, make_task) -> None:
    lease = acquire(make_task().id, "w")
    assert lease is not None
    lease.saw_step(1.0)
    assert lease.allowance_s == 60.0
    lease.saw_step(100.0)
    lease.renew()
    kept = store.get(lease.task_id)
    assert kept.lease_allowance_s == 300.0
    assert kept.lease_expires_at == pytest.approx(time.time() + 300, abs=5)
    lease.saw_step(1e9)
    assert lease.allowance_s == MAX_ALLOWANCE_S


def test_the_next_holder_inherits_the_allowance(studio_env, make_task) -> None:
    first = acquire(make_task().id, "w1")
    assert first is not None
    first.saw_step(100.0)
    first.renew()
    first.release()
    second = acquire(first.task_id, "w2")
    assert second is not None
    assert second.allowance_s == 300.0
