"""How a handler's end becomes the task's end."""

from __future__ import annotations

import importlib

import pytest

from core.errors import Diverged, LeaseLost, StorageError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.services.platform import tasks
from tests.support import counting
from worker import run


def a_task(kind: str = "counting", **payload: object) -> str:
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind=kind, title="Count", queue="cpu", payload=payload)
        uow.commit()
    return task.id


def test_success_keeps_the_result(studio_env) -> None:
    ended = run.execute(a_task(until=3, step_s=0), "w")
    assert ended is not None
    assert (ended.state, ended.result) == ("succeeded", {"count": 3, "registered": 3})
    assert [count for count, _ in counting.steps(studio_env, ended.id)] == [1, 2, 3]
    assert not (studio_env / "work" / ended.id).exists()


def test_an_expected_error_fails_with_its_message_and_can_be_retried(studio_env) -> None:
    task_id = a_task(until=5, step_s=0, fail_at=2)
    failed = run.execute(task_id, "w")
    assert failed is not None
    assert failed.error == {
        "message": "Line 3: the count is wrong.",
        "remedy": "Correct line 3.",
        "cause": "data",
        "error_id": "",
    }
    assert (failed.state, failed.reason) == ("failed", "data")
    tasks.request(task_id, "retry")
    again = run.execute(task_id, "w")
    assert again is not None
    assert (again.state, again.attempt) == ("succeeded", 2)
    assert [count for count, _ in counting.steps(studio_env, task_id)] == [1, 2, 3, 4, 5]


def test_an_unexpected_error_shows_an_id_and_no_traceback(studio_env, caplog: pytest.LogCaptureFixture) -> None:
    failed = run.execute(a_task(until=5, step_s=0, break_at=1), "w")
    assert failed is not None
    assert failed.error["error_id"] in failed.error["message"]
    assert "a bug" not in str(failed.error)
    assert "ValueError: a bug" in caplog.text
    assert failed.error["error_id"] in caplog.text


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), "out_of_memory"),
        (Diverged("The loss is not a number.", "Lower the learning rate."), "diverged"),
        (StorageError("The disk is full.", "Free some space."), "storage"),
        (KeyError("x"), "error"),
    ],
)
def test_causes_are_stable_words(error: Exception, cause: str) -> None:
    assert run.describe(error)["cause"] == cause


def test_a_task_that_another_worker_holds_is_left_alone(studio_env) -> None:
    task_id = a_task(until=1)
    from core.platform.tasks.lease import acquire

    assert acquire(task_id, "other") is not None
    assert run.execute(task_id, "w") is None
    assert store.get(task_id).lease_owner == "other"


def test_a_handler_that_lost_its_lease_ends_without_a_trace(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(ctx: TaskContext) -> Outcome:
        raise LeaseLost("gone")

    monkeypatch.setattr(run, "_handler", lambda kind: handler)
    task_id = a_task()
    assert run.execute(task_id, "w") is None
    assert store.get(task_id).state == "running"


def test_an_error_after_a_cancel_is_the_cancel(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(ctx: TaskContext) -> Outcome:
        tasks.request(ctx.lease.task_id, "cancel")
        raise RuntimeError("interrupted in the middle")

    monkeypatch.setattr(run, "_handler", lambda kind: handler)
    ended = run.execute(a_task(), "w")
    assert ended is not None
    assert ended.state == "cancelled"


def test_training_begins_with_validation(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def handler(ctx: TaskContext) -> Outcome:
        seen.append(ctx.task.state)
        ctx.validated()
        seen.append(ctx.task.state)
        return Outcome("succeeded")

    monkeypatch.setattr(run, "_handler", lambda kind: handler)
    run.execute(a_task("training"), "w")
    assert seen == ["validating", "running"]


@pytest.mark.parametrize("kind", sorted(set(run.HANDLERS) - {"counting"}))
def test_every_registered_handler_exists(kind: str) -> None:
    module, _, function = run.HANDLERS[kind].partition(":")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin) as source:  # not imported: training's modules load torch
        assert f"def {function}(" in source.read()
