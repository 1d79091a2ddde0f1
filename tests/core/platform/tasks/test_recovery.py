"""Crashes are counted, leases freed, and dependents settled."""

from __future__ import annotations

import pytest

from core.platform.tasks import commands, recovery, store, workdirs
from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire


def die(task_id: str, cause: str = "killed") -> None:
    lease = acquire(task_id, "w")
    assert lease is not None
    recovery.after_death(task_id, "w", cause)


def test_a_crash_frees_the_lease_and_keeps_the_state(database, make_task) -> None:
    task = make_task()
    die(task.id)
    waiting = store.get(task.id)
    assert (waiting.state, waiting.lease_owner, waiting.crashes) == ("running", None, 1)
    recovered = store.events(task_id=task.id, kind="recovery")[-1]
    assert "Waiting to resume" in recovered.message


@pytest.mark.parametrize("cause", ["out_of_memory", "killed", "crashed", "hung"])
def test_three_crashes_in_a_row_fail_the_task_with_the_cause(studio_env, make_task, cause: str) -> None:
    task = make_task()
    for _ in range(recovery.MAX_CRASHES):
        die(task.id, cause)
    failed = store.get(task.id)
    assert (failed.state, failed.reason, failed.error["cause"]) == ("failed", cause, cause)
    assert "3 times in a row" in failed.error["message"]
    assert failed.error["remedy"]


def test_saved_progress_between_crashes_resets_the_count(studio_env, make_task) -> None:
    task = make_task()
    for _ in range(5):
        lease = acquire(task.id, "w")
        assert lease is not None
        TaskContext(lease).saved()
        recovery.after_death(task.id, "w", "killed")
    assert (store.get(task.id).state, store.get(task.id).crashes) == ("running", 1)


def test_a_crash_after_a_cancel_counts_as_the_cancel(studio_env, make_task) -> None:
    task = make_task(state="running", lease_owner="w", lease_epoch=1, command="cancel")
    recovery.after_death(task.id, "w", "killed")
    assert store.get(task.id).state == "cancelled"


def test_a_stop_that_took_too_long_is_not_a_crash(studio_env, make_task) -> None:
    task = make_task()
    die(task.id, "stopped")
    assert (store.get(task.id).crashes, store.get(task.id).waits_to_resume) == (0, True)


def test_the_crash_of_a_worker_without_the_lease_changes_nothing(studio_env, make_task) -> None:
    task = make_task(state="running", lease_owner="new", lease_epoch=2)
    recovery.after_death(task.id, "old", "killed")
    assert (store.get(task.id).lease_owner, store.get(task.id).crashes) == ("new", 0)


def test_after_a_hang_the_next_holder_gets_twice_the_time(studio_env, make_task) -> None:
    task = make_task()
    die(task.id, "hung")
    lease = acquire(task.id, "w2")
    assert lease is not None
    assert lease.allowance_s == 120.0


@pytest.mark.parametrize(("kind", "kept"), [("conversion", False), ("training", True)])
def test_files_of_a_crashed_attempt_go_with_a_cancel_or_the_last_crash(
    studio_env, make_task, kind: str, kept: bool
) -> None:
    """A training keeps them: a retry resumes from its checkpoints."""
    cancelled, failed = make_task(kind=kind), make_task(kind=kind)
    for task in (cancelled, failed):
        workdirs.path_of(task.id).mkdir(parents=True)
        (workdirs.path_of(task.id) / "part").write_text("half")
        die(task.id)
        assert workdirs.path_of(task.id).exists(), "the next attempt may use them"
    commands.request(cancelled.id, "cancel")
    for _ in range(recovery.MAX_CRASHES - 1):
        die(failed.id)
    assert [store.get(task.id).state for task in (cancelled, failed)] == ["cancelled", "failed"]
    assert [workdirs.path_of(task.id).exists() for task in (cancelled, failed)] == [kept, kept]
