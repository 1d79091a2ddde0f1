"""The handlers of examples that language models write: the smart mode, and variations of existing examples."""

from __future__ import annotations

import logging

from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import smart
from core.services.data.smart import again as smart_again, variations as smart_variations

# one line per request would bury what a person looks for in the task's log
for _chatty in ("httpx", "httpx2", "httpcore", "openai", "ollama"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


def handle(ctx: TaskContext) -> Outcome:
    """Write examples from the rows of an upload."""
    return smart.run(ctx)


def handle_again(ctx: TaskContext) -> Outcome:
    """Ask the failed rows of a finished run again."""
    return smart_again.run(ctx)


def handle_variations(ctx: TaskContext) -> Outcome:
    """Write variations of examples of a dataset."""
    return smart_variations.run(ctx)
