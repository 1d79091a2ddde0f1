"""Tests of a model as background tasks, of whichever kind: one at a time for each kind and job."""

from __future__ import annotations

from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.training.jobs import reader as job_reader
from core.services.training.models.reader import get_model


def start(kind: str, model_id: str) -> TaskRecord:
    """Test a model on the dataset that it was trained on; returns the running test if there is one."""
    model = get_model(model_id)
    spec = job_reader.get_job(model.job_id, with_deleted=True).spec
    return start_after(kind, model.job_id, spec.dataset_version_id, f"Test “{model.name}”")


def start_after(
    kind: str, job_id: str, dataset_version_id: str, title: str, after_task_id: str | None = None
) -> TaskRecord:
    """Create (or find) the test of a job's model; it may wait for the job's own task."""
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=kind,
            title=title,
            payload={"job_id": job_id, "dataset_version_id": dataset_version_id},
            key=f"{kind}:{job_id}",
            after_task_id=after_task_id,
        )
        uow.commit()
    announce(task.id)
    return task
