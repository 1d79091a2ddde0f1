"""Checks a dataset version again and records its state: the kind `validation`."""

from __future__ import annotations

from typing import Any

from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import datasets


def handle(ctx: TaskContext) -> Outcome:
    """Run every check over the version frozen in the task."""
    payload = ctx.payload
    record, result = datasets.recheck(
        payload["dataset_id"], payload["version_id"], lambda share: ctx.progress(95 * share, "Checking")
    )

    def publish(uow: UnitOfWork) -> dict[str, Any]:
        record(uow)
        return result

    return Outcome("succeeded", result={"dataset_id": payload["dataset_id"]}, on_commit=publish)
