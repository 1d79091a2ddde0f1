"""How a handler's end becomes the task's end."""

from __future__ import annotations

import errno
import importlib
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import Diverged, LeaseLost, StorageError
from core.platform import logs
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.kinds import KINDS, TaskKind
from core.services.platform import tasks
from tests.support import counting
from tests.support.registry import registered
from worker import run


def a_task(kind: str = "counting", **payload: object) -> str:
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind=kind, title="Count", payload=payload)
        uow.commit()
    return task.id


@contextmanager
def kind_with(handler: run.Handler, **abilities: bool) -> Iterator[None]:
    """A task kind `dummy` whose handler is this function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[__name__], "handle", handler, raising=False)
        patch.setitem(sys.modules, "dummy_handlers", sys.modules[__name__])
        dummy = TaskKind("dummy", "Dummy", "123", "cpu", module="dummy_handlers", **abilities)
        with registered(KINDS, dummy):
            yield


def test_success_keeps_the_result(studio_env) -> None:
    ended = run.execute(a_task(until=3, step_s=0), "w")
    assert ended is not None
    assert (ended.state, ended.result) == ("succeeded", {"schema_version": 1, "count": 3})
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
        (OSError(errno.ENOMEM, "Memory mapping file failed"), "out_of_memory"),
        (Diverged("The loss is not a number.", "Lower the learning rate."), "diverged"),
        (StorageError("The disk is full.", "Free some space."), "storage"),
        (KeyError("x"), "error"),
    ],
)
def test_causes_are_stable_words(error: Exception, cause: str) -> None:
    assert run.describe(error)["cause"] == cause


def test_a_task_of_another_worker_is_not_touched(studio_env) -> None:
    task_id = a_task(until=1)
    from core.platform.tasks.lease import acquire

    assert acquire(task_id, "other") is not None
    assert run.execute(task_id, "w") is None
    assert store.get(task_id).lease_owner == "other"


def test_a_handler_that_lost_its_lease_writes_nothing(studio_env) -> None:
    def handler(ctx: TaskContext) -> Outcome:
        raise LeaseLost("gone")

    with kind_with(handler):
        task_id = a_task("dummy")
        assert run.execute(task_id, "w") is None
    assert store.get(task_id).state == "running"


def test_an_error_after_a_cancel_is_the_cancel(studio_env) -> None:
    def handler(ctx: TaskContext) -> Outcome:
        tasks.request(ctx.lease.task_id, "cancel")
        raise RuntimeError("interrupted in the middle")

    with kind_with(handler):
        ended = run.execute(a_task("dummy"), "w")
    assert ended is not None
    assert ended.state == "cancelled"


def test_a_kind_may_start_with_validation(studio_env) -> None:
    seen: list[str] = []

    def handler(ctx: TaskContext) -> Outcome:
        seen.append(ctx.task.state)
        ctx.validated()
        seen.append(ctx.task.state)
        return Outcome("succeeded")

    with kind_with(handler, validates_first=True):
        run.execute(a_task("dummy"), "w")
    assert seen == ["validating", "running"]


def test_a_task_of_an_unknown_kind_fails_with_its_name(studio_env) -> None:
    task_id = a_task()
    with UnitOfWork() as uow:
        uow.execute(store.TASKS.update().values(kind="of_last_year"))
        uow.commit()
    failed = run.execute(task_id, "w")
    assert failed is not None
    assert "'of_last_year'" in failed.error["message"]


@pytest.mark.parametrize("kind_id", KINDS.ids())
def test_every_handler_exists(kind_id: str) -> None:
    spec = importlib.util.find_spec(KINDS.get(kind_id).handler_module)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin) as source:  # not imported: training's modules load torch
        assert "def handle(" in source.read()


def test_the_lines_of_a_task_carry_its_id(studio_env) -> None:
    def handler(ctx: TaskContext) -> Outcome:
        logging.getLogger("some.library").info("working")
        return Outcome("succeeded")

    before = list(logging.getLogger().handlers)
    try:
        logs.configure("worker-cpu", on_stderr=False)
        with kind_with(handler):
            task_id = a_task("dummy")
            run.execute(task_id, "w")
        logging.getLogger("some.library").info("idle")
    finally:
        logging.getLogger().handlers[:] = before
    lines = [json.loads(line) for line in (studio_env / "logs" / "worker-cpu.jsonl").read_text().splitlines()]
    ids = {line["message"]: line.get("task_id") for line in lines}
    assert (ids["working"], ids["idle"]) == (task_id, None)
    assert len([line for line in lines if line.get("task_id") == task_id]) == 3  # it starts, works, ends
