"""Runs of the smart mode: start one, watch it, change its budget, keep what is done, retry failed rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import update

from core.data.conversion.smart.recipe import SmartRecipe
from core.errors import Conflict, DataError, InvalidTransition
from core.platform.db.tables import TASKS
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import commands, store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.writing import start_draft
from core.services.data.smart import row_store as smart_store, source as smart_source
from core.services.data.smart.records import SmartProgress, SmartRowRecord
from core.services.data.smart.writer import payload_of
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord

KIND: Final = "smart"


def start(draft_id: str) -> TaskRecord:
    """Start the run that a draft describes; see `start_draft`."""
    return start_draft(draft_id, KIND, "smart", "Write", "file", _payload)


def _payload(state: Mapping[str, Any]) -> dict[str, Any]:
    recipe = SmartRecipe.of(state.get("smart") or {})
    check_start(state["source_id"], recipe)
    return {
        "source_id": state["source_id"],
        **payload_of(recipe),
        "budget_usd": recipe.budget_usd,
        "reading": smart_source.fingerprint(state["source_id"]),
        "origin": "smart",
    }


def check_start(source_id: str, recipe: SmartRecipe) -> None:
    """Check the table, the connection, and that a budget has a price.

    Raises:
        DataError, NotFound, ProviderKeyMissing: name what is missing.
    """
    smart_source.check(source_id, recipe)
    connections.endpoint_of(recipe.connection_id)
    if recipe.budget_usd is not None and connections.get(recipe.connection_id).price(recipe.model) is None:
        text = f"The price of {recipe.model} is unknown, so a budget cannot be applied."
        raise DataError(text, "Enter its prices in the connection, or leave the budget empty.", field="budget_usd")


def progress(task_id: str) -> SmartProgress:
    """The progress of a run. Raises NotFound."""
    task = store.get(task_id)
    recipe = SmartRecipe.of(task.payload["recipe"])
    totals = smart_store.totals(task_id)
    counts = smart_store.example_counts(task_id)
    record = _record_of(recipe)
    price = record.price(recipe.model) if record else None
    known = record is None or price is not None or totals.cost_usd > 0
    limit = task.payload.get("budget_usd")
    return SmartProgress(
        rows=_row_count(task, recipe),
        done=totals.done,
        **totals.by_state,
        examples=counts.examples,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        cost_usd=totals.cost_usd if known else None,
        budget_usd=float(limit) if limit is not None else None,
        flagged=counts.flagged,
        to_check=counts.to_check,
        is_free=price is not None and price.is_free and not totals.cost_usd,
    )


def rows(task_id: str, state: str | None = None, offset: int = 0, limit: int = 20) -> list[SmartRowRecord]:
    """Some rows of a run, in the order of the file.

    Args:
        state: ok, failed, empty or duplicate; of those that are ok, to_check are the ones with a flagged example and
            clean the others. None returns all.
    """
    return smart_store.page(task_id, state, offset, limit)


def set_budget(task_id: str, usd: float | None) -> TaskRecord:
    """Change the budget of a run; None removes the limit. A paused run has to be resumed.

    Raises:
        DataError: not an amount, or the price is unknown. InvalidTransition: the run has finished.
    """
    task = store.get(task_id)
    recipe = SmartRecipe.of(task.payload["recipe"])
    changed = SmartRecipe.of({**recipe.model_dump(), "budget_usd": usd})
    if usd is not None and connections.get(recipe.connection_id).price(recipe.model) is None:
        raise DataError(f"The price of {recipe.model} is unknown.", "Enter it in the connection.", field="budget_usd")
    message = "The budget was removed." if usd is None else f"The budget is now ${usd:,.2f}."
    return _set(task_id, {"budget_usd": changed.budget_usd}, message)


def keep(task_id: str) -> TaskRecord:
    """Send no further rows and create the dataset from the present examples; also for a paused or failed run.

    Raises:
        InvalidTransition: the run has finished.
    """
    task = store.get(task_id)
    if task.state == "running":
        return commands.request(task_id, "stop")
    if smart_store.totals(task_id).by_state["ok"] == 0:
        raise Conflict("No examples have been written yet.", "Resume or retry, or cancel the run.")
    _set(task_id, {"finish": True}, "Requested to keep the examples written so far.")
    return commands.request(task_id, "resume" if task.state == "paused" else "retry")


def retry_failed(task_id: str) -> TaskRecord:
    """Retry every failed row of a run that is paused, failed or cancelled; `ask_again` does it after its end.

    Raises:
        InvalidTransition: it is running, or it has finished.
    """
    task = store.get(task_id)
    if task.state not in ("paused", "failed", "cancelled"):
        remedy = "Pause it first; then failed rows can be retried."
        raise InvalidTransition(f"“{task.title}” is {task.state}.", remedy)
    with UnitOfWork() as uow:
        smart_store.forget_failed(uow, task_id)
        store.event(uow, task_id, "data", "Failed rows will be retried.")
        uow.commit()
    return commands.request(task_id, "resume" if task.state == "paused" else "retry")


def _set(task_id: str, values: Mapping[str, Any], message: str) -> TaskRecord:
    """Change the mutable part of a task's payload (the budget, whether to finish), with an event."""
    with UnitOfWork() as uow:
        task = store.get_in(uow, task_id, lock=True)
        if task.state == "succeeded":
            raise InvalidTransition(f"“{task.title}” is finished.", "Start another run.")
        changed = {"payload": {**task.payload, **values}}
        uow.session.connection().execute(update(TASKS).where(TASKS.c.id == task_id).values(changed))
        store.event(uow, task_id, "data", message)
        uow.commit()
    return store.get(task_id)


def _record_of(recipe: SmartRecipe) -> ConnectionRecord | None:
    try:
        return connections.get(recipe.connection_id)
    except Exception:  # it was deleted; what was spent still counts
        return None


def _row_count(task: TaskRecord, recipe: SmartRecipe) -> int:
    if "positions" in task.payload:  # variations, and retried rows
        return len(task.payload["positions"])
    return smart_source.count(str(task.payload["source_id"]), recipe)
