"""The failed rows of a finished run, asked again: only those, and what comes of them joins the run's dataset.

A finished task stays finished, so this is a task of its own, with rows of its own. In the transaction that ends it, the
dataset gets a new version with what was written, and the run's account says what became of its rows and what both cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from core.data.conversion.smart.prompts import PROMPT_VERSION
from core.data.conversion.smart.recipe import SmartRecipe
from core.data.editing import AddedExample
from core.errors import Conflict, InvalidTransition
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import announce, commands, store
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.records import DatasetRecord, get_dataset
from core.services.data.smart import adding, dataset as smart_dataset, row_store as smart_store, source as smart_source
from core.services.data.smart.loop import Loop, at_most
from core.services.data.smart.writer import Writer
from core.services.platform import connections

KIND: Final = "smart_again"
OF_KIND: Final = "smart"


def start(run_id: str) -> TaskRecord:
    """Ask for the failed rows of a finished run again; asked twice, it is the same task.

    Raises:
        InvalidTransition: the run is not finished. Conflict: no row failed. NotFound: its dataset, file or connection
            was deleted. DataError: the file is read another way by now.
    """
    run = store.get(run_id)
    if run.kind != OF_KIND or run.state != "succeeded":
        raise InvalidTransition(f"“{run.title}” is no finished run of a model.", "Open a run that has ended.")
    if (latest := latest_of(run_id)) is not None and latest.state != "succeeded":
        return commands.request(latest.id, "retry") if latest.is_terminal else latest
    failed = sorted(smart_store.positions(run_id, "failed"))
    if not failed:
        raise Conflict("No row of this run has failed.", "There is nothing to ask again.")
    dataset = get_dataset(str(run.result.get("dataset_id")))
    recipe = SmartRecipe.of(run.payload["recipe"])
    source_id = str(run.payload["source_id"])
    smart_source.check_reading(source_id, str(run.payload.get("reading") or ""))
    smart_source.check(source_id, recipe)
    connections.endpoint_of(recipe.connection_id)
    limit = run.payload.get("budget_usd")
    payload = {
        "run_id": run_id,
        "dataset_id": dataset.id,
        "source_id": source_id,
        "reading": run.payload.get("reading") or "",
        "positions": failed,
        "recipe": recipe.model_dump(mode="json"),
        # what the run has spent counts: the budget holds for both together
        "budget_usd": None if limit is None else max(float(limit) - smart_store.totals(run_id).cost_usd, 0.0),
        "prompt_version": PROMPT_VERSION,
        "writer": smart_dataset.writer_of(recipe),
    }
    key = f"{KIND}:{run_id}:after:{latest.id if latest else ''}"
    title = f"Ask again for {len(failed):,} {'row' if len(failed) == 1 else 'rows'} of “{dataset.name}”"
    with UnitOfWork() as uow:
        task, created = store.create(uow, kind=KIND, title=title, payload=payload, idempotency_key=key)
        uow.commit()
    if created:
        announce.announce(task.id)
    return task


def latest_of(run_id: str) -> TaskRecord | None:
    """The newest task that asked, or asks, the failed rows of a run again."""
    found = (task for task in store.find(kind=KIND, limit=100_000) if task.payload.get("run_id") == run_id)
    return next(found, None)


def run(ctx: TaskContext) -> Outcome:
    """Do a `smart_again` task."""
    payload = ctx.payload
    recipe = SmartRecipe.of(payload["recipe"])
    source_id, run_id = str(payload["source_id"]), str(payload["run_id"])
    ctx.progress(0, "Reading the rows")
    smart_source.check_reading(source_id, str(payload["reading"]))
    reason = "stopped_early" if payload.get("finish") else ""
    if not reason:
        record = connections.get(recipe.connection_id)
        client = connections.open_client(recipe.connection_id, timeout_s=recipe.timeout_s)
        writer = Writer(
            client, at_most(recipe, record), record.price(recipe.model), bounded=record.provider.bounds_text
        )
        wanted = frozenset(payload["positions"])
        items = (item for item in smart_source.items(source_id, recipe) if item.position in wanted)
        asking = Loop(ctx, writer, len(wanted), items, smart_source.Local(), known=_written(run_id))
        asking.run()
        if outcome := asking.outcome():
            return outcome
        reason = asking.reason
    ctx.progress(96, "Writing the new version")
    return _finish(ctx, recipe, get_dataset(str(payload["dataset_id"])), run_id, reason)


def _written(run_id: str) -> Iterator[bytes]:
    """Keys of the examples that the run wrote: what repeats one of them is a duplicate, as within a run."""
    for row in smart_store.stream(run_id, "ok"):
        yield from map(smart_store.key_of_example, row.examples)


def _finish(ctx: TaskContext, recipe: SmartRecipe, dataset: DatasetRecord, run_id: str, reason: str) -> Outcome:
    """The new version and the run's account, in the transaction that ends the task; without an example no version."""
    task_id = ctx.lease.task_id
    origin = smart_dataset.provenance_of(recipe, ctx.task)
    source_id = str(ctx.payload["source_id"])
    added = []
    for row in smart_store.stream(task_id, "ok"):
        for made in row.examples:
            about = {**origin, "source": source_id, "source_line": row.line}
            flags = dict.fromkeys((smart_dataset.WRITTEN_BY_MODEL, *(flag.code for flag in made.flags)))
            messages = tuple(message.to_dict() for message in made.messages)
            added.append(
                AddedExample(
                    messages=messages, flags=tuple(flags), source=source_id, source_line=row.line, provenance=about
                )
            )
    totals = smart_store.totals(task_id)
    result = {
        **totals.by_state,
        "cost_usd": totals.cost_usd,
        "examples": len(added),
        "dataset_id": dataset.id,
        "run_id": run_id,
    }
    staged = None
    if added:
        ready, done = totals.by_state["ok"], totals.done
        what = f"Asked {done:,} failed rows again: {len(added):,} examples of {ready:,} of them, by {recipe.model}."
        told = {"operation": KIND, "what": what, "parameters": {**origin, "cost_usd": totals.cost_usd}}
        staged = adding.stage_added(ctx, dataset.version, added, told, _recipe(run_id, totals, dataset))
    ctx.progress(99, "Publishing")

    def publish(uow: UnitOfWork) -> dict[str, Any]:
        smart_store.settle_again(uow, run_id, task_id)
        return {"version_id": staged.publish(uow)} if staged else {}

    return Outcome("succeeded", reason=reason, result=result, on_commit=publish)


def _recipe(run_id: str, again: smart_store.Totals, dataset: DatasetRecord) -> Mapping[str, Any] | None:
    """The manifest's recipe, with the rows and the cost of both runs."""
    recipe = dataset.version.manifest.recipe
    if recipe is None:
        return None
    before = smart_store.totals(run_id)
    rows = {state: before.by_state[state] + again.by_state[state] for state in before.by_state}
    rows["failed"] -= again.done
    return {**recipe, "rows": rows, "cost_usd": before.cost_usd + again.cost_usd}
