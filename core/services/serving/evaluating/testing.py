"""The one-click test of a tuned model: it and its base answer what its training did not see, as an evaluation.

The test split of the version that it was trained on is asked; where there is none, the held-out examples; where there
are none either, the training examples, which tell how well the model memorized them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import DataError
from core.messages import SPLIT_NAMES, Split
from core.models import base_models
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.platform import tasks
from core.services.serving import connected
from core.services.serving.evaluating import contestants, starting
from core.services.training import models
from core.services.training.jobs.records import JobRecord
from core.services.training.models import ModelRecord
from core.serving.evaluations import store
from core.serving.evaluations.records import Contestant, EvaluationRecord, EvaluationSettings
from core.text import plural

log = logging.getLogger(__name__)

MOST: Final = 400  # examples; more would take long and change a share by less than 5 percentage points
METRICS: Final = (
    "exact_match", "label_accuracy", "valid_json", "field_accuracy", "all_fields", "token_f1", "latency",
)  # fmt: skip
_BEST_FIRST: Final[tuple[Split, ...]] = ("test", "validation", "train")
_SPLITS: Final = {"test": "the test split", "validation": "the held-out examples", "train": "its training examples"}


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What the test of a model asks; `split` is "" where its dataset was deleted."""

    split: Split | Literal[""]
    examples: int = 0
    of: int = 0

    @property
    def title(self) -> str:
        """`the test split`."""
        return _SPLITS.get(self.split, "its dataset")

    @property
    def text(self) -> str:
        """`120 examples`, or `the first 400 of 2,000 examples`."""
        first = f"the first {self.examples:,} of " if self.examples < self.of else ""
        return f"{first}{plural(self.of, 'example')}"


def plan(model: ModelRecord) -> TestPlan:
    """What the test of a model will ask."""
    if model.dataset_deleted:
        return TestPlan("")
    parts = datasets.get_version(models.trained_version(model.id)).parts
    split = next((split for split in _BEST_FIRST if parts.get(split)), _BEST_FIRST[-1])
    count = parts.get(split, 0)
    return TestPlan(split, min(count, MOST), count)


def start(model_id: str) -> EvaluationRecord:
    """Let a tuned model and its base answer the examples of its `plan`, in the background; a running test is returned.

    Raises:
        NotFound: the model or its base is not here. DataError: its dataset was deleted. Conflict: it answers neither
            here nor at its service. BudgetReached: a budget does not cover the answers of a model at its service.
    """
    model = models.get_model(model_id)
    if (task := running(model.id)) is not None:
        return store.get(task.payload["evaluation_id"])
    asked = plan(model)
    if not asked.split:
        raise DataError(f"The dataset of “{model.name}” was deleted with its examples.", "Evaluate it on another one.")
    base_id = connected.base_of(model) if model.only_there else model.base_model
    return starting.create(
        (contestants.find(model.id), *([contestants.find(base_id)] if base_id else ())),
        models.trained_version(model.id),
        asked.split,
        METRICS,
        EvaluationSettings(limit=MOST),
        name=f"Test of “{model.name}” on {SPLIT_NAMES[asked.split]} examples",
        title=f"Test “{model.name}”",
        job_id=model.job_id,
    )


def start_after(job: JobRecord, split: str, main: str = "") -> EvaluationRecord:
    """The same for the model that a job will have, once it has ended.

    Args:
        split: "" for every example.
        main: the metric of its score; "": the one that fits the outputs.
    """
    base = Contestant(job.base_model, base_models.title_of(job.base_model), "base")
    return starting.create(
        (Contestant(models.model_id_of(job.id), job.name, "tuned"), base),
        job.dataset_version_id,
        split,
        METRICS,
        EvaluationSettings(limit=MOST, main=main),
        name=f"Test of “{job.name}”",
        title=f"Test “{job.name}”",
        job_id=job.id,
        after_task_id=job.task_id,
    )


def running(model_id: str) -> TaskRecord | None:
    """The test of a model that is waiting or running now, or None."""
    job_id = models.get_model(model_id).job_id
    return next((task for task in tasks.list_about(starting.KIND, job_id=job_id) if not task.is_terminal), None)
