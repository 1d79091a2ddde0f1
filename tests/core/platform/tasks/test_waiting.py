"""Tasks that wait: for a set time, or until their next visit of work that a service does."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from core.errors import InvalidTransition, SettingsError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import commands, recovery, store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.kinds import KINDS, TaskKind
from core.platform.tasks.lease import acquire
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from tests.support.registry import registered
from worker import run

AN_HOUR_S = 3600.0


def handle(ctx: TaskContext) -> Outcome:
    """Visits work elsewhere: waits until the payload's number of visits is reached."""
    if ctx.signal() == "cancel":
        return Outcome("cancelled")
    ctx.enter("queued")
    if ctx.lease.epoch >= ctx.payload["visits"]:
        return Outcome("succeeded")
    return Outcome("waiting", again_in_s=ctx.payload["again_in_s"])


@pytest.fixture(autouse=True)
def _elsewhere() -> Iterator[None]:
    kind = TaskKind("visits", "Visits", "123", "io", module=__name__, runs_elsewhere=True, validates_first=True)
    with registered(KINDS, kind):
        yield


def visiting(again_in_s: float = AN_HOUR_S, visits: int = 2) -> TaskRecord:
    with UnitOfWork() as uow:
        payload = {"again_in_s": again_in_s, "visits": visits}
        task, _ = store.create(uow, kind="visits", title="Visit", payload=payload)
        uow.commit()
    return task


def due(task_id: str) -> None:
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).where(store.TASKS.c.id == task_id).values(not_before=time.time() - 1))
        uow.commit()


def visits(task_id: str) -> int:
    return sum(1 for event in store.events(task_id=task_id) if event.kind == "recovery")


def test_a_task_is_not_taken_before_its_time(database, make_task) -> None:
    task = make_task(not_before=time.time() + AN_HOUR_S)
    assert task.is_planned
    assert acquire(task.id, "w") is None
    due(task.id)
    assert acquire(task.id, "w") is not None
    assert store.get(task.id).not_before is None


def test_a_handler_that_waits_frees_the_worker_and_keeps_the_state(database) -> None:
    task = visiting()
    waits = run.execute(task.id, "w1")
    assert waits is not None
    assert (waits.state, waits.lease_owner, waits.crashes) == ("queued", None, 0)
    assert waits.not_before == pytest.approx(time.time() + AN_HOUR_S, abs=60)
    assert not waits.waits_to_resume
    assert run.execute(task.id, "w2") is None  # not due
    due(task.id)
    ended = run.execute(task.id, "w2")
    assert ended is not None
    assert ended.state == "succeeded"
    assert visits(task.id) == 0  # a planned visit is not a recovery


def test_the_reconciler_learns_when_the_next_task_is_due(database, make_task) -> None:
    assert recovery.next_due_s() is None
    make_task(not_before=time.time() + AN_HOUR_S)
    task = make_task(not_before=time.time() + 60)
    make_task(not_before=time.time() + 30, state="cancelled")
    assert recovery.next_due_s() == pytest.approx(60, abs=20)
    assert task.id not in recovery.unheld()
    due(task.id)
    assert task.id in recovery.unheld()


def test_a_worker_that_dies_in_a_visit_is_replaced_at_once(database) -> None:
    task = visiting()
    run.execute(task.id, "w1")
    due(task.id)
    assert acquire(task.id, "w2") is not None
    recovery.after_death(task.id, "w2", "killed")
    freed = store.get(task.id)
    assert (freed.state, freed.crashes, freed.not_before) == ("queued", 1, None)
    ended = run.execute(task.id, "w3")
    assert ended is not None
    assert ended.state == "succeeded"


def test_a_death_after_the_wait_was_written_is_no_crash(database) -> None:
    task = visiting()
    run.execute(task.id, "w1")
    recovery.after_death(task.id, "w1", "killed")
    assert store.get(task.id).crashes == 0
    assert store.get(task.id).not_before is not None


def test_a_planned_task_is_not_put_on_the_queue(real_redis, make_task) -> None:
    assert not announce(make_task(not_before=time.time() + AN_HOUR_S).id)


def test_a_planned_task_is_cancelled_at_once(database, make_task) -> None:
    task = make_task(not_before=time.time() + AN_HOUR_S)
    assert commands.request(task.id, "cancel").state == "cancelled"


@pytest.mark.parametrize("action", ["cancel", "pause"])
def test_a_command_to_work_elsewhere_is_passed_on_without_waiting(database, action: str) -> None:
    task = visiting()
    run.execute(task.id, "w1")
    with UnitOfWork() as uow:
        store.move(uow, task.id, "running")
        uow.commit()
    commanded = commands.request(task.id, action)
    assert (commanded.state, commanded.command, commanded.not_before) == ("running", action, commands.AT_ONCE)


def test_a_paused_task_elsewhere_is_cancelled_by_a_worker(database) -> None:
    task = visiting()
    run.execute(task.id, "w1")
    with UnitOfWork() as uow:
        store.move(uow, task.id, "running")
        store.move(uow, task.id, "paused")
        uow.commit()
    for _ in range(2):  # a second click changes nothing
        commanded = commands.request(task.id, "cancel")
        assert (commanded.state, commanded.command) == ("pending", "cancel")
    ended = run.execute(task.id, "w2")
    assert ended is not None
    assert ended.state == "cancelled"


def test_a_command_that_comes_during_a_visit_is_not_delayed(database) -> None:
    task = visiting()
    lease = acquire(task.id, "w1")
    assert lease is not None
    context = TaskContext(lease)
    assert context.signal() == ""
    commands.request(task.id, "cancel")
    waits = context.finish(Outcome("waiting", again_in_s=AN_HOUR_S))
    assert waits.waits_until is None
    ended = run.execute(task.id, "w2")
    assert ended is not None
    assert ended.state == "cancelled"


def test_start_now_and_a_changed_start(database, make_task) -> None:
    task = make_task(not_before=time.time() + AN_HOUR_S)
    later = tasks.schedule(task.id, time.time() + 2 * AN_HOUR_S)
    assert later.waits_until == pytest.approx(time.time() + 2 * AN_HOUR_S, abs=60)
    assert tasks.waiting_reasons([later])[task.id].startswith("Starts on ")
    assert tasks.start_now(task.id).waits_until is None
    assert acquire(task.id, "w") is not None
    with pytest.raises(InvalidTransition):
        tasks.schedule(task.id, time.time() + AN_HOUR_S)


@pytest.mark.parametrize("from_now_s", [-5.0, 400 * 86_400.0])
def test_a_start_in_the_past_or_in_years_is_refused(studio_env, make_task, from_now_s: float) -> None:
    with pytest.raises(SettingsError):
        tasks.schedule(make_task().id, time.time() + from_now_s)


def test_nothing_starts_now_that_has_ended(studio_env, make_task) -> None:
    with pytest.raises(InvalidTransition):
        tasks.start_now(make_task(state="succeeded").id)
