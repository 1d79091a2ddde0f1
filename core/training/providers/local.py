"""The local provider: this studio's own worker trains, on the GPU where there is one, else on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.models.methods import METHODS
from core.training.providers.base import Capabilities, Estimate, Workload

if TYPE_CHECKING:
    from core.platform.db.uow import UnitOfWork
    from core.platform.tasks.records import TaskRecord

# Imports are inside the methods: the help of `sft train` lists the providers and must not load the database's packages.


class LocalProvider:
    """Training on this machine."""

    id = "local"
    title = "Local"
    text = "Trains on this studio's own GPU or CPU. Nothing leaves this machine."
    key_hosts: Mapping[str, tuple[str, ...]] = {}
    hosted = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(methods=METHODS.ids(), pause=True, stop_and_keep=True, live_metrics=True)

    def estimate(self, load: Workload) -> Estimate:
        from core.training.forecast import device
        from core.training.providers.local_estimate import estimate

        return estimate(load, device.detect())

    def create(
        self,
        uow: UnitOfWork,
        *,
        job_id: str,
        title: str,
        draft_key: str | None,
        after_task_id: str | None,
        not_before: float | None = None,
    ) -> tuple[TaskRecord, bool]:
        from core.platform.tasks import store

        return store.create(
            uow,
            kind="training",
            title=title,
            payload={"job_id": job_id},
            idempotency_key=f"job:{draft_key}" if draft_key else None,
            after_task_id=after_task_id,
            not_before=not_before,
        )

    def poll(self, task: TaskRecord) -> TaskRecord:
        from core.platform.tasks import owners

        return owners.seen(task)

    def request(self, task_id: str, action: str) -> TaskRecord:
        from core.platform.tasks import commands

        return commands.request(task_id, action)
