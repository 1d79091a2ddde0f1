"""Checks a dataset version again and records its state: the kind `validation`."""

from __future__ import annotations

from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import datasets
from core.services.data.results import ValidationResult


def handle(ctx: TaskContext) -> Outcome:
    """Run every check over the version frozen in the task."""
    payload = ctx.payload
    record, checked = datasets.recheck(
        payload["dataset_id"], payload["version_id"], lambda share: ctx.progress(95 * share, "Checking")
    )

    def publish(uow: UnitOfWork) -> ValidationResult:
        record(uow)
        return ValidationResult(dataset_id=payload["dataset_id"], **checked)

    return Outcome("succeeded", on_commit=publish)
