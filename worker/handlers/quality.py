"""Computes the quality report of a dataset version: the kind `quality`."""

from __future__ import annotations

from core.data.examples.lengths import MAX_SEQ_LENGTH
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import quality
from core.services.data.results import QualityResult


def handle(ctx: TaskContext) -> Outcome:
    """Inspect the version frozen in the task; after a crash it starts from the first example."""
    payload = ctx.payload

    def progress(share: float) -> None:
        phase = "Checking each example" if share < 0.45 else "Comparing the examples"
        ctx.progress(98 * share, phase)
        ctx.raise_if_interrupted()

    report = quality.compute(
        payload["version_id"],
        max_seq_length=payload.get("max_seq_length") or MAX_SEQ_LENGTH,
        base_model=payload.get("base_model"),
        progress=progress,
    )
    result = QualityResult(
        dataset_id=payload["dataset_id"], version_id=report.version_id, score=report.score, issues=len(report.issues)
    )
    return Outcome("succeeded", result=result)
