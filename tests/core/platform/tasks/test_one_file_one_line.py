"""A new kind of background task is one file and one line: a dummy appears everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.kinds import KINDS, TaskKind
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.results import TaskResult
from core.services.data import datasets
from core.services.platform import tasks
from tests.support import runs
from tests.support.registry import registered
from tests.support.screens import open_page, words
from worker.run import execute

ROWS = (
    (
        "a kind of background task",
        "worker/handlers/<kind>.py",
        "core/platform/tasks/kinds.py: KINDS.add(...)",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poem(TaskResult):
    verses: int


def handle(ctx: TaskContext) -> Outcome:
    """Write the verses; pause when asked."""
    for verse in range(ctx.payload["verses"]):
        ctx.progress(100 * verse / ctx.payload["verses"], "writing", f"verse {verse + 1}")
        ctx.raise_if_interrupted()
    return Outcome("succeeded", result=Poem(verses=ctx.payload["verses"]))


@pytest.fixture
def kind(studio_env: Path) -> Iterator[TaskKind]:
    dummy = TaskKind(
        id="poem",
        title="Poem about a dataset",
        icon="stylus_note",
        queue="io",
        module="tests.core.platform.tasks.test_one_file_one_line",
        can_pause=True,
        reads=("dataset_id",),
    )
    with registered(KINDS, dummy) as entry:
        yield entry


def create(kind: TaskKind, **payload: object) -> TaskRecord:
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind=kind.id, title="Ode to rows", payload={"verses": 3, **payload})
        uow.commit()
    return task


def test_a_worker_of_its_queue_runs_its_handler(kind: TaskKind) -> None:
    task = create(kind)
    assert task.queue == "io"
    ended = execute(task.id, "w")
    assert ended is not None
    assert Poem.of(ended) == Poem(verses=3)


def test_its_abilities_decide_what_a_person_can_ask(kind: TaskKind) -> None:
    task = create(kind)
    with UnitOfWork() as uow:
        store.move(uow, task.id, "running")
        uow.commit()
    assert tasks.actions(store.get(task.id)) == ("pause", "stop", "cancel")
    assert tasks.request(task.id, "pause").state == "paused"


def test_a_dataset_that_it_reads_cannot_be_deleted_meanwhile(kind: TaskKind) -> None:
    dataset = runs.dataset()
    create(kind, dataset_id=dataset.id)
    assert "Ode to rows" in datasets.dependents(dataset.id).unfinished


def test_background_jobs_lists_it_by_title_and_icon_and_filters_by_it(kind: TaskKind, studio_env: Path) -> None:
    task = create(kind)
    runs.launch(runs.dataset())
    app = open_page("pages/platform/background_jobs.py")
    assert "Poem about a dataset (1)" in app.selectbox(key="list_kind").options
    app.selectbox(key="list_kind").set_value("poem").run()
    assert ":gray[:material/stylus_note:] **Ode to rows**" in words(app)
    assert not app.get("page_link")  # the training run is filtered out
    app.button(key=f"{task.id}_cancel").click().run()
    assert tasks.get_task(task.id).state == "cancelled"
