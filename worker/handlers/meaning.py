"""Looks at a dataset version by meaning: the kind `meaning`."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import meaning
from core.services.data.results import MeaningResult


def handle(ctx: TaskContext) -> Outcome:
    """Look at the version frozen in the task; after a crash it starts from the first example."""

    def progress(share: float) -> None:
        ctx.progress(98 * share, "Reading the inputs" if share < 0.5 else "Comparing the inputs")
        ctx.raise_if_interrupted()

    found = meaning.compute(ctx.payload["version_id"], progress)
    result = MeaningResult(
        dataset_id=ctx.payload["dataset_id"], version_id=found.version_id, alike=found.alike_total,
        known=found.known_total, topics=len(found.topics),
    )  # fmt: skip
    return Outcome("succeeded", result=result)
