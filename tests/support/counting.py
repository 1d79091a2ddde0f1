"""A small real handler that counts slowly and saves as it goes, and the worker that knows it.

`python -m tests.support.counting cpu|gpu` is `python -m worker` with one more handler; the product itself cannot be
told to load handlers from outside.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.kinds import KINDS, TaskKind
from core.platform.tasks.results import TaskResult
from core.settings import get_settings
from worker import queues

STEP_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(TaskResult):
    """How far it counted."""

    count: int


def handle(ctx: TaskContext) -> Outcome:
    """Count to payload["until"], a step at a time; every step is saved, and written down with the worker's pid."""
    wants = ctx.payload
    saved = ctx.workdir / "counter.json"
    count = json.loads(saved.read_text())["count"] if saved.exists() else 0
    if wants.get("hang_once") and ctx.lease.epoch == 1:
        time.sleep(600)
    while count < wants["until"]:
        if wants.get("fail_at") == count and ctx.task.attempt == 1:
            raise DataError("Line 3: the count is wrong.", "Correct line 3.", code="count", line=3)
        if wants.get("break_at") == count:
            raise ValueError("a bug")
        if wants.get("die_at") == count:
            os.kill(os.getpid(), 9)
        signal = "" if wants.get("deaf") else ctx.signal()
        if signal == "stop":
            return _done(ctx, count, "stopped_early")
        if signal:
            ctx.raise_if_interrupted()
        time.sleep(wants.get("step_s", STEP_S))
        count += 1
        with _counted(get_settings().data_dir, ctx.lease.task_id).open("a") as log:
            log.write(f"{count} {os.getpid()}\n")
        half = saved.with_suffix(f".{os.getpid()}.tmp")  # a process that was frozen may write beside its successor
        half.write_text(json.dumps({"count": count}))
        os.replace(half, saved)
        if not wants.get("never_saves"):
            ctx.saved()
        ctx.progress(100 * count / wants["until"], "counting", f"{count} of {wants['until']}")
    return _done(ctx, count, "")


def _done(ctx: TaskContext, count: int, reason: str) -> Outcome:
    def register(uow: UnitOfWork) -> Counted:
        store.event(uow, ctx.lease.task_id, "data", f"registered {count}")
        return Counted(count=count)

    return Outcome("succeeded", reason=reason, on_commit=register)


def start(*, queue: str = "cpu", after: str | None = None, key: str | None = None, **payload: object) -> str:
    """Create and announce a counting task; returns its id."""
    task_id, _ = _created(queue, after, key, payload)
    announce(task_id)
    return task_id


def begin(*, queue: str = "cpu", key: str | None = None, **payload: object) -> str:
    """As `start`, but a task that exists is not announced again: what services do."""
    task_id, created = _created(queue, None, key, payload)
    if created:
        announce(task_id)
    return task_id


def _created(queue: str, after: str | None, key: str | None, payload: dict[str, object]) -> tuple[str, bool]:
    with UnitOfWork() as uow:
        task, created = store.create(
            uow,
            kind="counting",
            title=f"Count to {payload.get('until')}",
            queue=queue,
            payload=payload,
            idempotency_key=key,
            after_task_id=after,
        )
        uow.commit()
    return task.id, created


def _counted(data_dir: Path, task_id: str) -> Path:
    return data_dir / f"counted-{task_id}.log"


def steps(data_dir: Path, task_id: str) -> list[tuple[int, int]]:
    """What was counted so far, in order: (count, pid of the process that did it)."""
    path = _counted(data_dir, task_id)
    if not path.exists():
        return []
    return [(int(line.split()[0]), int(line.split()[1])) for line in path.read_text().splitlines() if " " in line]


if "counting" not in KINDS:  # this file is loaded twice where it is the program that runs
    KINDS.add(
        TaskKind("counting", "Counting", "123", "cpu", module="tests.support.counting", resumes_from_workdir=True)
    )

if __name__ == "__main__":
    if sys.argv[1].isdigit():
        from worker.work_process import main as work_process

        work_process(sys.argv[1:])
    else:
        from worker.__main__ import main

        queues.TrainingWorker.horse_module = "tests.support.counting"
        sys.exit(main(sys.argv[1:]))
