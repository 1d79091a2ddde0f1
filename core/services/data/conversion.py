"""Rows become a dataset: preview, start, and the work itself as a background task.

Crash-safety: the dataset's id follows from the task's, its files are written to a place that follows from that id, and
the rows that make it exist are written in the transaction that finishes the task. However often the work is killed
and begun again, exactly one dataset appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from core import arguments
from core.data.conversion import analysis, shapes
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.templates import TEMPLATES, Template
from core.data.examples.columns import ExampleColumns
from core.data.examples.sets import ExampleSet
from core.data.findings import finding
from core.data.formats.batches import RowBatch
from core.data.quality.rules import check_set
from core.data.versions.manifest import RowCounts, SourceFile
from core.data.versions.writer import VersionWriter
from core.errors import Conflict, DataError
from core.messages import Finding, Reject, Split
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.data import sources
from core.services.data.datasets import checks as dataset_checks, writing as dataset_writing
from core.services.data.datasets.writing import Origin
from core.services.data.sources import reading_ahead
from core.services.platform import drafts

PREVIEW_ROWS = 200
_SHARE_READING = 90.0  # percent of the progress; the rest is writing and publishing


@dataclass(frozen=True, slots=True)
class Preview:
    """The first examples of a conversion, before anything is kept.

    Attributes:
        examples: the first ones, with what was found about each.
        rejects: rows among those looked at that could not become examples, with the reasons.
        estimated_total: examples that the whole file is expected to give.
        of_rows: rows in the whole file.
        looked_at: rows that the estimate rests on.
    """

    examples: list[Labeled]
    rejects: list[Reject]
    estimated_total: int
    of_rows: int
    looked_at: int


def templates() -> list[Template[Any]]:
    """The guided templates, in the order of the screen."""
    return list(TEMPLATES.values())


def mapping_for(source_id: str, template: str) -> dict[str, Any]:
    """The columns to begin with when a person picks a template: {"key", "target", "include"}."""
    return analysis.mapping_for(sources.analyze(source_id), template)


def preview(
    source_id: str,
    template: str | None = None,
    mapping: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    limit: int = 5,
    shape: str | None = None,
) -> Preview:
    """Convert the first rows of an upload and estimate the total.

    Raises:
        DataError: the choices do not fit the table (an unknown column, a pattern that cannot be read).
    """
    recipe = Recipe.of({"template": template, "mapping": mapping, "options": options, "shape": shape})
    profile = sources.analyze(source_id)
    recipe.check(column.name for column in profile.columns)
    labeler = Labeler(recipe, source_id)
    made = list(labeler.run(islice(sources.read(source_id), PREVIEW_ROWS)))
    examples = [item for item in made if isinstance(item, Labeled)]
    total = profile.total_rows
    return Preview(
        examples=examples[:limit],
        rejects=[item for item in made if isinstance(item, Reject)],
        estimated_total=round(len(examples) * total / labeler.read) if labeler.read else 0,
        of_rows=total,
        looked_at=labeler.read,
    )


def start(draft_id: str) -> TaskRecord:
    """Begin the conversion that a draft describes; a draft starts once, however often this is called.

    Where its conversion failed or was cancelled, the draft can be changed and started again, as a new task.

    Raises:
        DataError: something is missing or does not fit. Conflict: the name is taken.
    """
    draft = drafts.get(draft_id)
    state = draft.state
    if "source_id" not in state:
        raise Conflict("This draft has no file yet.", "Upload one in the first step.")
    if draft.result_id and (earlier := store.get(draft.result_id)).state not in ("failed", "cancelled"):
        return earlier
    recipe = Recipe.of(state)
    recipe.check(column.name for column in sources.analyze(state["source_id"]).columns)
    if (held_out := state.get("hold_out")) is not None and not 0 <= held_out <= 0.5:
        raise DataError(f"The share to hold out is {held_out}.", "Choose 0 to 0.5.", field="hold_out")
    name = str(state.get("name") or "").strip()
    dataset_writing.check_characters(name, state.get("description") or "")
    payload = {
        "draft_id": draft_id,
        "source_id": state["source_id"],
        "validation_source_id": state.get("validation_source_id"),
        "hold_out": state.get("hold_out"),
        "name": name,
        "description": state.get("description") or "",
        "origin": state.get("origin") or "convert",
        **recipe.to_dict(),
    }
    # The key names the attempt before, so that two presses at once make one task, the second time too.
    key = f"convert:{draft_id}" + (f":after:{draft.result_id}" if draft.result_id else "")
    task = dataset_writing.enqueue("conversion", f"Convert “{name}”", payload, key)
    drafts.finish(draft_id, task.id, replaces=draft.result_id)
    return task


def start_with(
    source_id: str,
    *,
    template: str,
    mapping: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    name: str,
    description: str = "",
    origin: str = "cli",
) -> TaskRecord:
    """Draft and start in one call, for the command line."""
    state = {
        "source_id": source_id,
        "template": template,
        "mapping": arguments.mapping(mapping, "mapping"),
        "options": arguments.mapping(options, "options"),
        "name": name,
        "description": description,
        "origin": origin,
    }
    recipe = Recipe.of(state)  # refuse before a draft exists that nobody would open
    recipe.check(column.name for column in sources.analyze(source_id).columns)
    dataset_writing.check_name(name)
    dataset_writing.check_characters(name, description)
    return start(drafts.create("convert", state, step="convert").id)


# ---- in the worker


def run(ctx: TaskContext) -> Outcome:
    """Do a `conversion` or `import` task: read, convert, check, write, publish."""
    task = ctx.task
    ctx.validated()
    payload = task.payload
    recipe = Recipe.of(payload)
    dataset_id = dataset_writing.id_of_task(task.id)
    dataset_writing.sweep()
    source = sources.get(payload["source_id"])
    total = sources.analyze(source.id).total_rows
    labeler = Labeler(recipe, source.id)
    with VersionWriter(ctx.workdir / "version", hold_out=payload.get("hold_out")) as out:
        seen = ExampleSet()
        out.note(source.detection.findings)
        for _ in write(labeler, _batches(source), out, seen):
            ctx.progress(_SHARE_READING * min(labeler.read / max(total, 1), 1.0), "Converting", _said(labeler, total))
            if stopped := ctx.interrupted():
                return stopped
        out.note(_unused_columns(recipe, source.id))
        validation = _write_validation(ctx, payload, recipe, out, seen)
        if isinstance(validation, Outcome):
            return validation
        out.note(check_set(seen))
        ctx.progress(_SHARE_READING, "Writing the dataset", f"{out.examples:,} labeled examples")
        counts = {"read": labeler.read, "accepted": labeler.accepted, "rejected": labeler.rejected}
        origin = Origin(
            payload.get("origin") or "convert",
            source=sources.source_file(source),
            validation_source=validation,
            recipe=recipe.to_dict(),
            rows=counts,
        )
        publish = dataset_writing.prepare(dataset_id, payload["name"], payload.get("description") or "", out, origin)
    ctx.progress(99, "Publishing")
    result = {"dataset_id": dataset_id, "examples": out.examples, **counts}
    return Outcome("succeeded", result=result, on_commit=lambda uow: {"dataset_id": publish(uow)})


def run_validation(ctx: TaskContext) -> Outcome:
    """Do a `validation` task: check a version again and record its state."""
    ctx.validated()
    payload = ctx.task.payload

    def progress(share: float) -> None:
        ctx.progress(95 * share, "Checking")

    record, result = dataset_checks.recheck(payload["dataset_id"], payload["version_id"], progress)

    def publish(uow: Any) -> dict[str, Any]:
        record(uow)
        return result

    return Outcome("succeeded", result={"dataset_id": payload["dataset_id"]}, on_commit=publish)


def write(
    labeler: Labeler, batches: Iterable[RowBatch], out: VersionWriter, seen: ExampleSet, split: Split = "train"
) -> Iterator[None]:
    """Write everything that comes of the rows; a tick after each example or batch."""
    for item in labeler.run_batches(batches):
        if isinstance(item, ExampleColumns):
            columns = replace(item, split=split)
            seen.feed_columns(columns, out.add_columns(columns))
        elif isinstance(item, Reject):
            out.reject(item)
        else:
            example = replace(item.example, split=split)
            out.add(example, item.findings)
            seen.feed(example)
        yield


def _write_validation(
    ctx: TaskContext, payload: Mapping[str, Any], recipe: Recipe, out: VersionWriter, seen: ExampleSet
) -> SourceFile | Outcome | None:
    """Write the rows of a separate validation file; returns its manifest entry, or an outcome that ends the task."""
    if not payload.get("validation_source_id"):
        return None
    source = sources.get(payload["validation_source_id"])
    shape = sources.analyze(source.id).shape if recipe.shape else None
    labeler = Labeler(Recipe(shape=shape) if shape else recipe, source.id)
    for _ in write(labeler, _batches(source), out, seen, split="validation"):
        ctx.progress(_SHARE_READING, "Converting the validation file", f"{labeler.read:,} rows")
        if stopped := ctx.interrupted():
            return stopped
    return replace(sources.source_file(source), counts=RowCounts(labeler.read, labeler.accepted, labeler.rejected))


def _batches(source: sources.SourceRecord) -> Iterator[RowBatch]:
    return reading_ahead.read_batches(sources.local_path(source.id), source.detection)


def _unused_columns(recipe: Recipe, source_id: str) -> list[Finding]:
    if recipe.shape is None:
        return []
    used = shapes.get_shape(recipe.shape).columns
    columns = [column.name for column in sources.analyze(source_id).columns]
    unused = [name for name in columns if name.strip().lower() not in used]
    if not unused:
        return []
    text = f"The shape has no use for {', '.join(unused[:10])}; left out."
    return [finding("columns_unused", text)]


def _said(labeler: Labeler, total: int) -> str:
    text = f"{labeler.read:,} of {total:,} rows, {labeler.examples:,} labeled examples"
    return f"{text}, {labeler.rejected:,} rejected" if labeler.rejected else text
