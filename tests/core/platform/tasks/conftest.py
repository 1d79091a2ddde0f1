"""A task to try things on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord


@pytest.fixture
def make_task() -> Callable[..., TaskRecord]:
    """Create a task and set columns of its row as a test needs them."""

    def make(**columns: Any) -> TaskRecord:
        after, key = columns.pop("after_task_id", None), columns.pop("idempotency_key", None)
        with UnitOfWork() as uow:
            task, _ = store.create(
                uow,
                kind=columns.pop("kind", "conversion"),
                title=columns.pop("title", "Count"),
                queue=columns.pop("queue", ""),
                payload={},
                after_task_id=after,
                idempotency_key=key,
            )
            if columns:
                uow.execute(update(store.TASKS).where(store.TASKS.c.id == task.id).values(**columns))
            uow.commit()
        return store.get(task.id)

    return make
