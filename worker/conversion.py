"""The handlers of data work: conversions, imports of known shapes, and checks of a dataset version."""

from __future__ import annotations

import shutil

from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import conversion


def handle(ctx: TaskContext) -> Outcome:
    """Convert an upload by the template and mapping frozen in the task."""
    return _tidy(ctx, conversion.run(ctx))


def handle_import(ctx: TaskContext) -> Outcome:
    """Make a dataset of an upload that is in a known chat shape."""
    return _tidy(ctx, conversion.run(ctx))


def handle_validation(ctx: TaskContext) -> Outcome:
    """Check a dataset version again."""
    return _tidy(ctx, conversion.run_validation(ctx))


def _tidy(ctx: TaskContext, outcome: Outcome) -> Outcome:
    """Empty the working directory: a conversion that is begun again starts from the first row."""
    shutil.rmtree(ctx.workdir, ignore_errors=True)
    return outcome
