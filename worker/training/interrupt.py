"""Leaving deep work when a person (or a shutdown) asks for it, where nothing needs saving."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext


class Interrupted(Exception):
    """Carries the outcome that the handler returns."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.state)
        self.outcome = outcome


def check(ctx: TaskContext) -> None:
    """Go on, or raise Interrupted when a cancel, pause, stop or shutdown was asked for."""
    if stop := ctx.interrupted():
        raise Interrupted(stop)
