"""Delivers notices to one target: the kind `notice`."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.platform.notices import delivery


def handle(ctx: TaskContext) -> Outcome:
    """Deliver what the payload's `target_id` has not received yet."""
    return delivery.run(ctx)
