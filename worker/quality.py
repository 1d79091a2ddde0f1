"""The handler that inspects a dataset version."""

from __future__ import annotations

from core.services import quality
from core.tasks.context import Outcome, TaskContext


def handle(ctx: TaskContext) -> Outcome:
    """Inspect the version frozen in the task, and keep the report beside it."""
    return quality.run(ctx)
