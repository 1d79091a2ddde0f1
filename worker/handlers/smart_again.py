"""Retries the failed rows of a finished run: the kind `smart_again`.

In the transaction that ends the task, the dataset gets a new version with the new examples, and the rows of the run get
their new results with the cost of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.data.conversion.smart.recipe import SmartRecipe
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data.datasets.records import DatasetRecord, get_dataset
from core.services.data.results import WrittenResult
from core.services.data.smart import again, row_store as smart_store, source as smart_source
from core.services.data.smart.writer import Writer, provenance_of
from worker.writing.adding import added_example, stage_added
from worker.writing.loop import RowLoop, open_writer


def handle(ctx: TaskContext) -> Outcome:
    """Send the failed rows to the model again, then create the new version."""
    payload = ctx.payload
    recipe = SmartRecipe.of(payload["recipe"])
    source_id, run_id = str(payload["source_id"]), str(payload["run_id"])
    ctx.continues_at(ctx.task.progress)  # finished rows stay finished
    ctx.progress(0, "Reading the rows")
    smart_source.check_reading(source_id, str(payload["reading"]))
    reason = "stopped_early" if payload.get("finish") else ""
    if not reason:
        failed = frozenset(payload["positions"])
        items = (item for item in smart_source.items(source_id, recipe) if item.position in failed)
        without_call = smart_source.RowsWithoutCall()
        writer = open_writer(recipe, Writer)
        reason = RowLoop(ctx, writer, len(failed), items, without_call, known=_written(run_id)).run()
    ctx.progress(96, "Writing the new version")
    return _finish(ctx, recipe, get_dataset(str(payload["dataset_id"])), run_id, reason)


def _written(run_id: str) -> Iterator[bytes]:
    """Keys of the examples that the run wrote: a repetition of one is a duplicate, as within a run."""
    for row in smart_store.stream(run_id, "ok"):
        yield from map(smart_store.key_of_example, row.examples)


def _finish(ctx: TaskContext, recipe: SmartRecipe, dataset: DatasetRecord, run_id: str, reason: str) -> Outcome:
    """The new version and the rows of the run, in the transaction that ends the task; no version without examples."""
    task_id = ctx.lease.task_id
    origin = provenance_of(recipe, ctx.task)
    source_id = str(ctx.payload["source_id"])
    rows = smart_store.stream(task_id, "ok")
    added = [added_example(made, source_id, row.line, origin) for row in rows for made in row.examples]
    totals = smart_store.totals(task_id)
    staged = None
    if added:
        ready, done = totals.by_state["ok"], totals.done
        what = f"Retried {done:,} failed rows: {len(added):,} examples from {ready:,} of them, by {recipe.model}."
        change = {"operation": again.KIND, "what": what, "parameters": {**origin, "cost_usd": totals.cost_usd}}
        staged = stage_added(ctx, dataset.version, added, change, _recipe(run_id, totals, dataset))
    ctx.progress(99, "Publishing")

    def publish(uow: UnitOfWork) -> WrittenResult:
        smart_store.settle_again(uow, run_id, task_id)
        version_id = staged.publish(uow) if staged else ""
        return totals.result(dataset.id, len(added), version_id=version_id, run_id=run_id)

    return Outcome("succeeded", reason=reason, on_commit=publish)


def _recipe(run_id: str, again: smart_store.Totals, dataset: DatasetRecord) -> Mapping[str, Any] | None:
    """The manifest's recipe, with the rows and the cost of both runs."""
    recipe = dataset.version.manifest.recipe
    if recipe is None:
        return None
    before = smart_store.totals(run_id)
    rows = {state: before.by_state[state] + again.by_state[state] for state in before.by_state}
    rows["failed"] -= again.done
    return {**recipe, "rows": rows, "cost_usd": before.cost_usd + again.cost_usd}
