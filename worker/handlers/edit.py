"""Edits a large dataset: the kind `edit`. Small ones are edited at once by `core.services.data.datasets.edits`."""

from __future__ import annotations

from typing import Final

from core.data.versions import files
from core.data.versions.rows import Rows
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data.datasets import edits
from core.services.data.datasets.publishing import attempt_of_task, sweep_attempts
from core.services.data.datasets.records import get_version, version_file
from core.services.data.results import DatasetResult

_STORING_S: Final = 600.0  # how long finishing and copying the files of a large version may be silent


def handle(ctx: TaskContext) -> Outcome:
    """Apply the operation frozen in the payload to the version frozen there."""
    payload = ctx.payload
    sweep_attempts()
    base = get_version(payload["base_version_id"])
    edits.check_newest(base.dataset_id, base)
    operation = edits.stored_operation(payload)
    total = max(base.examples, 1)
    writing = False

    def beat() -> None:
        if not writing:  # an operation may read every example, more than once, before it writes the first
            ctx.progress(0, "Reading the examples", operation.describe())
            ctx.raise_if_interrupted()

    def tick(done: int) -> None:
        nonlocal writing
        writing = True
        ctx.progress(min(90.0, 90.0 * done / total), "Writing", f"{done:,} labeled examples")
        ctx.raise_if_interrupted()

    def storing() -> None:
        ctx.progress(90, "Storing")
        ctx.allow(_STORING_S)

    beat()
    staged = edits.build_version(
        base,
        Rows(version_file(base.id, files.EXAMPLES), beat),
        operation,
        payload.get("why") or "",
        ctx.workdir / "version",
        attempt_of_task(ctx.lease.task_id, ctx.lease.epoch),
        tick,
        storing,
    )
    ctx.progress(99, "Publishing")

    def publish(uow: UnitOfWork) -> DatasetResult:
        version_id = staged.publish(uow)
        edits.mark_written(uow, payload.get("gathered") or (), version_id)
        return DatasetResult(dataset_id=base.dataset_id, version_id=version_id, examples=staged.examples)

    return Outcome("succeeded", on_commit=publish)
