"""The handler of imported conversations."""

from __future__ import annotations

import shutil

from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import chat_import


def handle(ctx: TaskContext) -> Outcome:
    """Make a dataset of a chat log by the choices and the review frozen in the task."""
    outcome = chat_import.run(ctx)
    shutil.rmtree(ctx.workdir, ignore_errors=True)  # begun again, it starts from the first conversation
    return outcome
