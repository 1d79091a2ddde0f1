"""What a person may ask, in every state, with and without a worker."""

from __future__ import annotations

import pytest

from core.errors import InvalidTransition
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import commands, recovery, store
from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import Lease, acquire
from core.platform.tasks.states import ACTIONS, STATES

HELD = {"lease_owner": "w", "lease_epoch": 1, "lease_expires_at": 4e9}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_in_every_state_is_done_or_refused_with_a_remedy(
    studio_env, make_task, state: str, action: str
) -> None:
    task = make_task(state=state, kind="training")
    with UnitOfWork() as uow:
        store.event(uow, task.id, "checkpoint", "Checkpoint at step 5", data={"step": 5})
        uow.commit()
    if state in commands._NEEDS[action]:
        commands.request(task.id, action)
    else:
        with pytest.raises(InvalidTransition, match=f"is {state}, so you cannot {action} it") as refused:
            commands.request(task.id, action)
        assert f"You can {action} it while" in refused.value.remedy
        assert store.get(task.id).state == state


def test_an_unknown_action_is_refused(studio_env, make_task) -> None:
    with pytest.raises(InvalidTransition, match="explode"):
        commands.request(make_task().id, "explode")


@pytest.mark.parametrize(("action", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_without_a_worker_it_happens_at_once(studio_env, make_task, action: str, state: str) -> None:
    assert commands.request(make_task(state="running").id, action).state == state


@pytest.mark.parametrize("action", ["cancel", "pause", "stop"])
def test_with_a_worker_it_becomes_a_flag(studio_env, make_task, action: str) -> None:
    task = commands.request(make_task(state="running", **HELD).id, action)
    assert (task.state, task.command) == ("running", action)
    assert task.command_at is not None


def test_a_cancel_is_not_overwritten(studio_env, make_task) -> None:
    task = make_task(state="running", **HELD)
    commands.request(task.id, "pause")
    commands.request(task.id, "cancel")
    assert commands.request(task.id, "pause").command == "cancel"


def test_resume_and_retry_go_back_to_the_queue(studio_env, make_task) -> None:
    resumed = commands.request(make_task(state="paused").id, "resume")
    assert (resumed.state, resumed.attempt) == ("pending", 1)
    retried = commands.request(make_task(state="failed", error={"message": "x"}, crashes=3).id, "retry")
    assert (retried.state, retried.attempt, retried.error, retried.crashes) == ("pending", 2, {}, 0)


def test_cancelling_what_others_wait_for_fails_them_with_the_cause(studio_env, make_task) -> None:
    needed = make_task(title="Starter model")
    waiting = make_task(after_task_id=needed.id, title="Training")
    behind = make_task(after_task_id=waiting.id)
    commands.request(needed.id, "cancel")
    failed = store.get(waiting.id)
    assert failed.state == "failed"
    assert failed.error["message"] == "“Starter model”, which this waits for, was cancelled."
    assert store.get(behind.id).state == "failed"


def test_a_retry_also_retries_the_dependency(studio_env, make_task) -> None:
    needed = make_task()
    waiting = make_task(after_task_id=needed.id)
    commands.request(needed.id, "cancel")
    commands.request(waiting.id, "retry")
    assert store.get(needed.id).state == "pending"
    assert store.get(waiting.id).state == "pending"


@pytest.mark.usefixtures("database")
def test_a_late_look_at_the_failed_dependency_does_not_fail_a_retried_task_again(make_task) -> None:
    """The process that failed the dependency may look for waiting tasks only after both were retried."""
    needed = make_task()
    behind = make_task(after_task_id=needed.id)
    waiting = make_task(after_task_id=behind.id)
    commands.request(needed.id, "cancel")
    seen = store.get(behind.id), store.get(needed.id)
    commands.request(waiting.id, "retry")
    assert [store.get(task.id).state for task in (needed, behind, waiting)] == ["pending"] * 3
    recovery.fail_dependent(*seen)
    assert store.get(behind.id).state == "pending"
    assert store.get(waiting.id).state == "pending"


def test_a_cancel_after_success_is_refused(studio_env, make_task) -> None:
    task = make_task(state="running")
    with UnitOfWork() as uow:
        store.move(uow, task.id, "succeeded")
        uow.commit()
    with pytest.raises(InvalidTransition, match="is succeeded"):
        commands.request(task.id, "cancel")


def test_keep_needs_a_good_checkpoint_and_is_seen_before_the_first_step(studio_env, make_task) -> None:
    task = make_task(state="failed", kind="training")
    with pytest.raises(InvalidTransition, match="no checkpoint"):
        commands.request(task.id, "keep")
    for step in (5, 10, 0):  # 0: the last word was that none is good any more
        with UnitOfWork() as uow:
            store.event(uow, task.id, "checkpoint", "Checkpoint", data={"step": step})
            assert store.checkpoint_steps(uow, [task.id]).get(task.id, 0) == step
            uow.commit()
    assert "keep" not in commands.actions(store.get(task.id))
    with UnitOfWork() as uow:
        store.event(uow, task.id, "checkpoint", "Checkpoint", data={"step": 5})
        uow.commit()
    assert "keep" in commands.actions(store.get(task.id), checkpoint_step=5)
    asked = commands.request(task.id, "keep")
    assert (asked.state, asked.command, asked.attempt) == ("pending", "keep", 1)
    context = TaskContext(taken(asked.id))
    assert context.keeps
    assert context.signal() == ""
    context.raise_if_interrupted()


def taken(task_id: str) -> Lease:
    lease = acquire(task_id, "test:1")
    assert lease is not None
    return lease
