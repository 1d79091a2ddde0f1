"""Retry the failed rows of a finished run: their examples are added to the run's dataset.

A finished task stays finished, so this is a separate task with separate rows (`worker/handlers/smart_again.py`).
"""

from __future__ import annotations

from typing import Final

from core.data.conversion.smart.recipe import SmartRecipe
from core.errors import Conflict, InvalidTransition
from core.platform.tasks import commands, store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.records import get_dataset
from core.services.data.datasets.writing import enqueue
from core.services.data.results import WrittenResult
from core.services.data.smart import row_store as smart_store, runs, source as smart_source
from core.services.data.smart.writer import payload_of
from core.services.platform import connections
from core.text import plural

KIND: Final = "smart_again"


def ask_again(run_id: str) -> TaskRecord:
    """Retry the failed rows of a finished run; calling it twice returns the same task.

    Raises:
        InvalidTransition: the run is not finished. Conflict: no row failed. NotFound: its dataset, file or connection
            was deleted. DataError: the reading options of the file have changed.
    """
    run = store.get(run_id)
    if run.kind != runs.KIND or run.state != "succeeded":
        text = f"“{run.title}” has not finished, so there is nothing to retry."
        raise InvalidTransition(text, "Open a finished run.")
    if (latest := asked_again(run_id)) is not None and latest.state != "succeeded":
        return commands.request(latest.id, "retry") if latest.is_terminal else latest
    failed = sorted(smart_store.positions(run_id, "failed"))
    if not failed:
        raise Conflict("No row of this run failed.", "There is nothing to retry.")
    dataset = get_dataset(WrittenResult.of(run).dataset_id)
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
        **payload_of(recipe),
        # the budget covers both, so what the run has spent counts
        "budget_usd": None if limit is None else max(float(limit) - smart_store.totals(run_id).cost_usd, 0.0),
    }
    key = f"{KIND}:{run_id}:after:{latest.id if latest else ''}"
    return enqueue(KIND, f"Retry {plural(len(failed), 'failed row')} of “{dataset.name}”", payload, key)


def asked_again(run_id: str) -> TaskRecord | None:
    """The newest task that retries, or retried, the failed rows of a run."""
    tasks = (task for task in store.find(kind=KIND, limit=100_000) if task.payload.get("run_id") == run_id)
    return next(tasks, None)
