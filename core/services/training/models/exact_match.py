"""The exact-match test of a model, as a background task."""

from __future__ import annotations

from typing import Final

from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training.jobs import reader as job_reader
from core.services.training.models.reader import get_model
from core.services.training.results import ExactMatchResult

EXACT_MATCH: Final = "exact_match"


def test(model_id: str) -> TaskRecord:
    """Test base and tuned model on every example of the model's dataset, counting exact answers, as a background task.

    Returns the running test if there is one.
    """
    model = get_model(model_id)
    spec = job_reader.get_job(model.job_id).spec
    return evaluate_after(model.job_id, spec.dataset_version_id, f"Test “{model.name}”")


def evaluate_after(job_id: str, dataset_version_id: str, title: str, after_task_id: str | None = None) -> TaskRecord:
    """Create (or find) the test of a job's model; it may wait for the job's own task."""
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=EXACT_MATCH,
            title=title,
            payload={"job_id": job_id, "dataset_version_id": dataset_version_id},
            key=f"{EXACT_MATCH}:{job_id}",
            after_task_id=after_task_id,
        )
        uow.commit()
    announce(task.id)
    return task


def test_result(model_id: str) -> ExactMatchResult | None:
    """The result of the newest finished test of a model."""
    tests = tasks.list_about(EXACT_MATCH, job_id=get_model(model_id).job_id)
    return next((ExactMatchResult.of(task) for task in tests if task.state == "succeeded"), None)


def running_test(model_id: str) -> TaskRecord | None:
    """The test of a model that is waiting or running now, or None."""
    tests = tasks.list_about(EXACT_MATCH, job_id=get_model(model_id).job_id)
    return next((task for task in tests if not task.is_terminal), None)
