"""The handler that inspects a dataset version."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import quality


def handle(ctx: TaskContext) -> Outcome:
    """Inspect the version frozen in the task, and keep the report beside it."""
    return quality.run(ctx)
