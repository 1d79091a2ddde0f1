"""The task `restore`: a GGUF file of a user becomes a base model in the data directory."""

from __future__ import annotations

import time
from pathlib import Path

from core.models import base_models
from core.models.base_models.restored import alone, bases_directory
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training.results import RestoreResult
from worker.training.gguf_restore import restore

SILENT_S = 120.0  # writing a shard, or the check of the tokenizer in a child process, may take this long


def handle(ctx: TaskContext) -> Outcome:
    """Restore the file `path` of the payload under its `name`."""

    def progress(percent: float, text: str) -> None:
        ctx.raise_if_interrupted()
        ctx.progress(percent, text, text)
        ctx.allow(SILENT_S)

    started = time.perf_counter()
    directory = bases_directory() / str(ctx.payload["name"])
    with alone(directory):
        origin = restore(Path(str(ctx.payload["path"])), directory, progress)
    seconds = round(time.perf_counter() - started, 1)
    result = RestoreResult(base_id=f"{base_models.LOCAL}{directory}", quantization=origin.quantization, seconds=seconds)
    return Outcome("succeeded", result=result)
