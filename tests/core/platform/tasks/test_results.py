"""The typed result of a task: written with its schema version, readable from rows of every release."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import update

from core.errors import StorageError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.results import TaskResult


@dataclass(frozen=True, slots=True)
class Part:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(TaskResult):
    dataset_id: str
    examples: int = 0
    parts: tuple[Part, ...] = field(default=())


def with_result(task: TaskRecord, result: dict[str, Any]) -> TaskRecord:
    with UnitOfWork() as uow:
        uow.execute(update(store.TASKS).where(store.TASKS.c.id == task.id).values(result=result))
        uow.commit()
    return store.get(task.id)


def test_a_result_is_read_as_it_was_written(database, make_task) -> None:
    made = Made(dataset_id="ds_1", examples=3, parts=(Part("a"), Part("b")))
    task = with_result(make_task(), made.to_dict())
    assert task.result["schema_version"] == 1
    assert Made.of(task) == made


def test_a_row_of_an_older_or_a_newer_release_is_readable(studio_env, make_task) -> None:
    assert Made.of(with_result(make_task(), {"dataset_id": "ds_1"})) == Made(dataset_id="ds_1")
    newer = {"dataset_id": "ds_1", "schema_version": 2, "color": "blue"}
    assert Made.of(with_result(make_task(), newer)).dataset_id == "ds_1"


def test_a_missing_field_is_named(studio_env, make_task) -> None:
    with pytest.raises(StorageError, match="`dataset_id`: field required"):
        Made.of(make_task(state="succeeded"))
