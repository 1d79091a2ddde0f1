"""Writes examples from the rows of an upload with a language model: the kind `smart`.

Every row is accounted for, and every example with its origin: `provenance.parquet` beside the examples says which model
wrote each one, from which row, by which wording of the prompt; later versions carry it along.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from core.data.conversion.smart.recipe import SmartRecipe
from core.data.examples.sets import ExampleSet
from core.data.issues import finding
from core.data.quality import structure
from core.data.quality.set_rules import check_set
from core.data.versions.rows import ProvenanceWriter
from core.data.versions.writer import VersionWriter
from core.messages import Example, Finding, Reject
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import sources
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.writing import Origin
from core.services.data.results import WrittenResult
from core.services.data.smart import row_store as smart_store, source as smart_source
from core.services.data.smart.records import GeneratedExample, SmartRowRecord
from core.services.data.smart.writer import WRITTEN_BY_MODEL, Writer, provenance_of
from worker.writing.loop import RowLoop, open_writer

_CODES: Final = {"failed": "smart_failed", "empty": "smart_empty", "duplicate": "smart_duplicate"}


def handle(ctx: TaskContext) -> Outcome:
    """Send the rows that are not done yet to the model, then create the dataset."""
    payload = ctx.payload
    recipe = SmartRecipe.of(payload["recipe"])
    source_id = str(payload["source_id"])
    ctx.continues_at(ctx.task.progress)  # finished rows stay finished
    ctx.progress(0, "Reading the rows")
    smart_source.check_reading(source_id, str(payload.get("reading") or ""))
    reason = "stopped_early" if payload.get("finish") else ""
    if not reason:
        total, items = smart_source.count(source_id, recipe), smart_source.items(source_id, recipe)
        without_call = smart_source.RowsWithoutCall()
        reason = RowLoop(ctx, open_writer(recipe, Writer), total, items, without_call).run()
    ctx.progress(96, "Writing the dataset")
    publish = _build(ctx, source_id, recipe, payload)
    totals = smart_store.totals(ctx.lease.task_id)
    counts = smart_store.example_counts(ctx.lease.task_id)
    ctx.progress(99, "Publishing")

    def register(uow: UnitOfWork) -> WrittenResult:
        return totals.result(publish(uow), counts.examples, flagged=counts.flagged)

    return Outcome("succeeded", reason=reason, on_commit=register)


def _build(
    ctx: TaskContext, source_id: str, recipe: SmartRecipe, payload: Mapping[str, Any]
) -> Callable[[UnitOfWork], str]:
    """Write the dataset of a run; return the function that publishes it in the finishing transaction.

    Raises:
        DataError: the run wrote no examples.
    """
    task = ctx.task
    source = sources.get(source_id)
    origin = provenance_of(recipe, task)
    totals = smart_store.totals(task.id)
    with VersionWriter(ctx.workdir / "version", hold_out=payload.get("hold_out")) as out:
        out.note(source.detection.findings)
        seen = ExampleSet()
        beside = ProvenanceWriter(out.directory)
        for number, (row, cells) in enumerate(_with_cells(task.id, source_id, recipe)):
            if number % 50 == 0:
                ctx.progress(96, "Writing the dataset", f"{out.examples:,} labeled examples")
            if row.state != "ok":
                out.reject(_reject(row, cells))
            for made in row.examples:
                example = Example(made.messages, source_id, row.line, flags=(WRITTEN_BY_MODEL,))
                out.add(example, (*structure.check(example), *_findings_of(made, row.line)))
                seen.feed(example)
                beside.add(out.examples - 1, {**origin, "source": source_id, "source_line": row.line})
        unreadable = 0
        for item in smart_source.rejects(source_id):
            out.reject(item)
            unreadable += 1
        beside.close()
        out.note(check_set(seen))
        # A run that was stopped early, or limited to the first rows, has not read the others.
        read, accepted = totals.done + unreadable, totals.by_state["ok"]
        counts = {"read": read, "accepted": accepted, "rejected": read - accepted}
        chosen = recipe.model_dump(mode="json")
        from_model = Origin(
            "smart",
            source=sources.source_file(source),
            recipe={"smart": chosen, **origin, "rows": totals.by_state, "cost_usd": totals.cost_usd},
            rows=counts,
        )
        return dataset_writing.prepare_of_task(task.id, payload, out, from_model)


def _findings_of(made: GeneratedExample, line: int) -> Iterator[Finding]:
    """The flags of an example as findings, one for each code."""
    for code in dict.fromkeys(flag.code for flag in made.flags):
        text = " ".join(flag.message for flag in made.flags if flag.code == code)
        yield finding(code, text, line=line or None, field="messages")


def _with_cells(
    task_id: str, source_id: str, recipe: SmartRecipe
) -> Iterator[tuple[SmartRowRecord, Mapping[str, str]]]:
    """Every finished row with its cells, in the order of the file."""
    items = smart_source.items(source_id, recipe)
    for row in smart_store.stream(task_id):
        item = next((item for item in items if item.position == row.position), None)
        yield row, item.cells if item else {}


def _reject(row: SmartRowRecord, cells: Mapping[str, str]) -> Reject:
    found = finding(_CODES[row.state], row.reason or "This row produced no example.", line=row.line)
    return Reject(row.line, json.dumps(dict(cells), ensure_ascii=False), (found,))
