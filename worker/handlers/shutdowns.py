"""Reads when providers switch models off: the kind `shutdowns`."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.serving.shutdowns import watching


def handle(ctx: TaskContext) -> Outcome:
    """Read the live lists of every connection, and write the notices that are due."""
    return watching.run(ctx)
