"""A hosted service as a place where jobs run; a task visits it from time to time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import SettingsError
from core.training.providers.base import Capabilities, Estimate, Workload
from core.training.providers.hosted import HostedService

if TYPE_CHECKING:
    from core.platform.db.uow import UnitOfWork
    from core.platform.tasks.records import TaskRecord


@dataclass(frozen=True, slots=True)
class HostedProvider:
    """Training at one service, through a connection."""

    service: HostedService

    hosted = True

    @property
    def id(self) -> str:
        return self.service.id

    @property
    def title(self) -> str:
        return self.service.title

    @property
    def text(self) -> str:
        return self.service.text

    @property
    def key_hosts(self) -> Mapping[str, tuple[str, ...]]:
        return self.service.key_hosts

    @property
    def capabilities(self) -> Capabilities:
        able = self.service.capabilities
        return Capabilities(methods=able.methods, pause=able.pause, stop_and_keep=False, live_metrics=able.metrics)

    def estimate(self, load: Workload) -> Estimate:
        """Raises SettingsError: memory and time of another machine are not known here."""
        raise SettingsError(f"{self.title} trains on its own machines.", "Choose a connection for the job.")

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
            kind="hosted_training",
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
