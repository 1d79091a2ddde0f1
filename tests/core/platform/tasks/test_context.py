"""What a handler is given."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest

from core.errors import LeaseLost
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import commands, context, store, workdirs
from core.platform.tasks.context import Interrupted, Outcome, TaskContext
from core.platform.tasks.lease import acquire
from core.platform.tasks.results import TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(TaskResult):
    model: str


@pytest.fixture
def ctx(studio_env, make_task, monkeypatch: pytest.MonkeyPatch) -> TaskContext:
    """The context of a running task that reads its command every time."""
    monkeypatch.setattr(context, "SIGNAL_EVERY_S", 0.0)
    lease = acquire(make_task().id, "w1")
    assert lease is not None
    return TaskContext(lease)


def lose(ctx: TaskContext) -> None:
    ctx.lease.release()
    assert acquire(ctx.lease.task_id, "w2") is not None


def test_progress_is_kept(ctx: TaskContext) -> None:
    ctx.progress(40, "counting", "4 of 10")
    assert (ctx.task.progress, ctx.task.phase, ctx.task.message) == (40.0, "counting", "4 of 10")
    ctx.progress(250, "counting")
    assert ctx.task.progress == 100.0


def test_work_that_continues_does_not_fall_back_while_it_prepares(ctx: TaskContext) -> None:
    ctx.continues_at(60)
    ctx.progress(1, "reading")
    assert (ctx.task.progress, ctx.task.phase) == (60.0, "reading")
    ctx.continues_at(0)
    ctx.progress(58, "counting")
    assert ctx.task.progress == 58.0


def test_progress_is_not_written_for_every_row(ctx: TaskContext) -> None:
    for row in range(1000):
        ctx.progress(row / 100, "reading")
    assert ctx.task.progress < 9.99
    ctx.progress(9.99, "writing")
    assert ctx.task.phase == "writing"


@pytest.mark.parametrize("action", ["cancel", "pause", "stop"])
def test_a_request_is_seen(ctx: TaskContext, action: str) -> None:
    assert ctx.signal() == ""
    ctx.raise_if_interrupted()
    commands.request(ctx.lease.task_id, action)
    assert ctx.signal() == action


def test_a_shutdown_is_seen_unless_a_cancel_came(ctx: TaskContext) -> None:
    ctx._shutdown = threading.Event()
    ctx._shutdown.set()
    assert ctx.signal() == "shutdown"
    with pytest.raises(Interrupted) as interrupted:
        ctx.raise_if_interrupted()
    assert interrupted.value.outcome.state == "released"
    commands.request(ctx.lease.task_id, "cancel")
    assert ctx.signal() == "cancel"


def test_every_call_of_the_loser_raises(ctx: TaskContext) -> None:
    lose(ctx)
    calls = [
        lambda: ctx.progress(50, "late"),
        ctx.signal,
        lambda: ctx.event("log", "late"),
        lambda: ctx.saved("late"),
        ctx.validated,
        lambda: ctx.allow(100),
        lambda: ctx.finish(Outcome("succeeded")),
    ]
    for call in calls:
        with pytest.raises(LeaseLost):
            call()
    assert ctx.task.progress == 0
    assert "late" not in [event.message for event in store.events(task_id=ctx.lease.task_id)]


def test_saved_progress_resets_the_crash_count(ctx: TaskContext) -> None:
    ctx.lease.write(crashes=2)
    ctx.saved("Checkpoint at step 10.", {"step": 10})
    assert ctx.task.crashes == 0
    assert store.events(task_id=ctx.lease.task_id, kind="checkpoint")[0].data == {"step": 10}


def test_validated_moves_on_once(studio_env, make_task) -> None:
    lease = acquire(make_task().id, "w", first_state="validating")
    assert lease is not None
    ctx = TaskContext(lease)
    ctx.validated()
    ctx.validated()
    assert ctx.task.state == "running"


def test_success_registers_in_the_finishing_transaction(ctx: TaskContext) -> None:
    ended = ctx.finish(Outcome("succeeded", "stopped_early", on_commit=lambda uow: Made(model="m")))
    assert (ended.state, ended.reason, Made.of(ended)) == ("succeeded", "stopped_early", Made(model="m"))
    assert ended.progress == 100


def test_a_cancel_that_came_first_wins_and_nothing_is_registered(ctx: TaskContext) -> None:
    (ctx.workdir / "part").write_text("written")
    commands.request(ctx.lease.task_id, "cancel")
    ended = ctx.finish(Outcome("succeeded", on_commit=lambda uow: pytest.fail("registered")))
    assert ended.state == "cancelled"
    assert not workdirs.path_of(ctx.lease.task_id).exists()


def test_a_registration_that_fails_leaves_nothing_behind(ctx: TaskContext) -> None:
    def register(uow: UnitOfWork) -> None:
        store.event(uow, ctx.lease.task_id, "data", "half done")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  whatever the registration raises
        ctx.finish(Outcome("succeeded", on_commit=register))
    assert ctx.task.state == "running"
    assert "half done" not in [event.message for event in store.events(task_id=ctx.lease.task_id)]


def test_a_handler_may_end_its_task_itself(ctx: TaskContext) -> None:
    with ctx.lease.fenced() as uow:
        store.move(uow, ctx.lease.task_id, "succeeded", epoch=ctx.lease.epoch)
        uow.commit()
    assert ctx.finish(Outcome("succeeded")).state == "succeeded"


def test_released_work_waits_to_resume(ctx: TaskContext) -> None:
    assert ctx.finish(Outcome("released")).waits_to_resume


def test_a_pause_while_validating_passes_through_running(studio_env, make_task) -> None:
    lease = acquire(make_task().id, "w", first_state="validating")
    assert lease is not None
    assert TaskContext(lease).finish(Outcome("paused")).state == "paused"


def test_an_announced_silence_is_tolerated_until_its_phase_ends(ctx: TaskContext) -> None:
    def lasts_s() -> float:
        return (ctx.task.lease_expires_at or 0) - time.time()

    ctx.progress(2, "Loading")
    ctx.allow(180)
    assert lasts_s() == pytest.approx(240, abs=5)
    ctx.progress(100, "Loading")
    assert lasts_s() == pytest.approx(240, abs=5)
    ctx.progress(20, "Training")
    assert lasts_s() == pytest.approx(60, abs=5)
    assert ctx.lease.allowance_s == 60
