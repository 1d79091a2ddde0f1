"""What providers share: the work of a job is a background task of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.platform.db.uow import UnitOfWork
    from core.platform.tasks.records import TaskRecord

# Imports are inside the methods: the help of `sft train` lists the providers and must not load the database's packages.


class RunsAsTask:
    """Creates the task of a job, reads it and acts on it."""

    task_kind: str

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
            kind=self.task_kind,
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
