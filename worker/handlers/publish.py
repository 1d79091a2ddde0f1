"""Publishes a tuned model to a target and compares its answers: the kind `publish`."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.serving import publishing


def handle(ctx: TaskContext) -> Outcome:
    """Publish the payload's model to its `target`."""
    return publishing.run(ctx)
