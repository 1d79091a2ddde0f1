"""Converts the rows of an upload into a dataset: the kinds `conversion` (guided) and `import` (known chat shapes).

Crash safety: the dataset's id is derived from the task's id, its files are written to a place derived from that id, and
its rows are inserted in the transaction that finishes the task. However often the work is killed and restarted, exactly
one dataset appears.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.data.conversion.labeling import Labeler, Recipe
from core.data.conversion.late_fields import LateFields
from core.data.examples.sets import ExampleSet
from core.data.formats import Detection
from core.data.quality.set_rules import check_set
from core.data.versions.manifest import RowCounts, SourceFile
from core.data.versions.ready import ReadyExamples
from core.data.versions.writer import VERSION_BYTES_PER_BYTE, VersionWriter
from core.messages import Reject, Split
from core.platform import disk
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import sources
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.writing import Origin
from core.services.data.results import ConversionResult
from core.services.data.sources import accounts, reading_ahead
from core.text import plural

_READING_PERCENT: Final = 90.0  # of the progress; the rest is writing and publishing


def handle(ctx: TaskContext) -> Outcome:
    """Read, convert, check, write and publish."""
    payload = ctx.payload
    recipe = Recipe.of(payload)
    dataset_writing.sweep()
    source = sources.get(payload["source_id"])
    total = sources.analyze(source.id).total_rows
    labeler = Labeler(recipe, source.id)
    disk.require(VERSION_BYTES_PER_BYTE * source.size_bytes, "the conversion")
    with VersionWriter(ctx.workdir / "version", hold_out=payload.get("hold_out")) as out:
        seen = ExampleSet()
        out.note(source.detection.findings)
        late = LateFields()
        for _ in write_examples(labeler, sources.local_path(source.id), source.detection, out, seen, late=late):
            share = min(labeler.read / max(total, 1), 1.0)
            ctx.progress(_READING_PERCENT * share, "Converting", _progress_text(labeler, total))
            ctx.raise_if_interrupted()
        accounts.remember(source.id, late)
        account = sources.account(source.id, recipe)
        account.check(recipe.without)
        out.note(accounts.findings(account))
        left_out = dict(out.left_out)
        validation = _write_validation(ctx, payload, recipe, out, seen)
        out.note(check_set(seen))
        ctx.progress(_READING_PERCENT, "Writing the dataset", plural(out.examples, "labeled example"))
        counts = {"read": labeler.read, "accepted": labeler.accepted, "rejected": labeler.rejected}
        origin = Origin(
            payload.get("origin") or "convert",
            source=sources.source_file(source),
            validation_source=validation,
            recipe=recipe.to_dict(),
            rows=counts,
        )
        publish = dataset_writing.prepare_of_task(ctx.lease.task_id, payload, out, origin)
    ctx.progress(99, "Publishing")
    examples = out.examples

    def register(uow: UnitOfWork) -> ConversionResult:
        return ConversionResult(dataset_id=publish(uow), version_id="", examples=examples, **counts, left_out=left_out)

    return Outcome("succeeded", on_commit=register)


def write_examples(
    labeler: Labeler,
    path: Path,
    detection: Detection,
    out: VersionWriter,
    seen: ExampleSet,
    split: Split | None = None,
    late: LateFields | None = None,
) -> Iterator[None]:
    """Write the examples and rejects of a file; yields after each example or batch.

    Args:
        split: that of all examples; None: as the rows say.
        late: gets the fields that are filled behind the first rows.
    """
    for item in reading_ahead.examples(labeler, path, detection, out.unsplit, split, late):
        if isinstance(item, ReadyExamples):
            out.add_ready(item)
            seen.add(item.keys, item.lines, split=item.split)
        elif isinstance(item, Reject):
            out.reject(item)
        else:
            out.add(item.example, item.findings)
            seen.feed(item.example)
        out.is_split = out.is_split or labeler.is_split
        yield


def _write_validation(
    ctx: TaskContext, payload: Mapping[str, Any], recipe: Recipe, out: VersionWriter, seen: ExampleSet
) -> SourceFile | None:
    """Write the rows of a separate validation file; returns its manifest entry."""
    if not payload.get("validation_source_id"):
        return None
    source = sources.get(payload["validation_source_id"])
    shape = sources.analyze(source.id).shape if recipe.shape else None
    labeler = Labeler(Recipe(shape=shape) if shape else recipe, source.id)
    path = sources.local_path(source.id)
    for _ in write_examples(labeler, path, source.detection, out, seen, split="validation"):
        ctx.progress(_READING_PERCENT, "Converting the validation file", f"{labeler.read:,} rows")
        ctx.raise_if_interrupted()
    return replace(sources.source_file(source), counts=RowCounts(labeler.read, labeler.accepted, labeler.rejected))


def _progress_text(labeler: Labeler, total: int) -> str:
    text = f"{labeler.read:,} of {total:,} rows, {labeler.examples:,} labeled examples"
    return f"{text}, {labeler.rejected:,} rejected" if labeler.rejected else text
