"""Writes a tuned model in one of its formats: the kind `export`."""

from __future__ import annotations

from core.platform.tasks.context import Outcome, TaskContext
from core.services.serving import model_files
from core.services.training.results import ExportResult

SILENT_S = 120.0  # one large tensor, or the checksums of large files


def handle(ctx: TaskContext) -> Outcome:
    """Write the payload's model in its `format`."""

    def progress(share: float) -> None:
        ctx.raise_if_interrupted()
        ctx.progress(2 + 95 * share, "Writing", "Writing the files")

    ctx.progress(1, "Writing", "Reading the model")
    ctx.allow(SILENT_S)
    model_id, format_id = str(ctx.payload["model_id"]), str(ctx.payload["format"])
    model_files.write(model_id, format_id, progress)
    ctx.progress(98, "Packing", "Packing the archive")
    ctx.allow(SILENT_S)
    archive = model_files.download(model_id, format_id)
    return Outcome("succeeded", result=ExportResult(model_id=model_id, format=format_id, size_bytes=archive.size_bytes))
