"""Looks for inputs that no example resembles: the kind `gaps`."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.serving.analytics.gaps import find_gaps


def handle(ctx: TaskContext) -> Outcome:
    """Compare the inputs of the last days with the examples; after a crash it starts again."""

    def progress(share: float) -> None:
        ctx.progress(98 * share, "Comparing inputs with examples")
        ctx.raise_if_interrupted()

    return Outcome("succeeded", result=find_gaps(ctx.payload.get("days"), progress))
