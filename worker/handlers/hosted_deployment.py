"""Deploys a tuned model at the service that trained it, and follows it until it answers."""

from __future__ import annotations

from core.models.llm.failures import LlmError
from core.platform.tasks.context import Outcome, TaskContext
from core.services.serving.publishing import there


def handle(ctx: TaskContext) -> Outcome:
    """One visit. What fails for a while is asked again at the next one."""
    if ctx.signal() == "cancel":
        return Outcome("cancelled")
    try:
        return there.run(ctx)
    except LlmError as error:
        if not error.retryable:
            raise
        ctx.progress(ctx.task.progress, "Waiting for the service", f"{error.message} It is asked again.")
        return Outcome("waiting", again_in_s=max(there.AGAIN_S, error.retry_after_s or 0.0))
