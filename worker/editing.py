"""The handlers of changes to datasets: edits of large sets, and mixes."""

from __future__ import annotations

import shutil

from core.platform.tasks.context import Outcome, TaskContext
from core.services.data.datasets import edits as dataset_edits, mix as dataset_mix


def handle(ctx: TaskContext) -> Outcome:
    """Do the operation frozen in the task, on the version frozen there."""
    return _tidy(ctx, dataset_edits.run_edit(ctx))


def handle_mix(ctx: TaskContext) -> Outcome:
    """Make a new dataset of several versions."""
    return _tidy(ctx, dataset_mix.run_mix(ctx))


def _tidy(ctx: TaskContext, outcome: Outcome) -> Outcome:
    """Empty the working directory: an edit that is begun again starts from the first example."""
    shutil.rmtree(ctx.workdir, ignore_errors=True)
    return outcome
