"""The exact-match test of a model, as a background task."""

from __future__ import annotations

from typing import Final

from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training.models import testing
from core.services.training.models.reader import get_model
from core.services.training.results import ExactMatchResult

EXACT_MATCH: Final = "exact_match"


def test(model_id: str) -> TaskRecord:
    """Test base and tuned model on every example of the model's dataset, counting exact answers, as a background task.

    Returns the running test if there is one.
    """
    return testing.start(EXACT_MATCH, model_id)


def evaluate_after(job_id: str, dataset_version_id: str, title: str, after_task_id: str | None = None) -> TaskRecord:
    """Create (or find) the test of a job's model; it may wait for the job's own task."""
    return testing.start_after(EXACT_MATCH, job_id, dataset_version_id, title, after_task_id)


def test_result(model_id: str) -> ExactMatchResult | None:
    """The result of the newest finished test of a model."""
    tests = tasks.list_about(EXACT_MATCH, job_id=get_model(model_id).job_id)
    return next((ExactMatchResult.of(task) for task in tests if task.state == "succeeded"), None)


def running_test(model_id: str) -> TaskRecord | None:
    """The test of a model that is waiting or running now, or None."""
    tests = tasks.list_about(EXACT_MATCH, job_id=get_model(model_id).job_id)
    return next((task for task in tests if not task.is_terminal), None)
