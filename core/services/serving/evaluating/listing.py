"""The list of evaluations: searched, filtered, sorted, archived, renamed, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import String, cast, func

from core.errors import DataError
from core.platform.db import cursors
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import EVALUATIONS, TASKS
from core.services.platform import tasks
from core.services.platform.dependents import Dependents, confirm
from core.serving.evaluations import store
from core.serving.evaluations.records import EvaluationRecord

LONGEST_NAME: Final = 120

LISTING: Final = Listing(
    key=EVALUATIONS.c.id,
    rows=EVALUATIONS.outerjoin(TASKS, TASKS.c.id == EVALUATIONS.c.task_id),
    search=(EVALUATIONS.c.name, EVALUATIONS.c.dataset_name, cast(EVALUATIONS.c.models, String)),
    sorts=(
        Sort("newest", "Newest first", EVALUATIONS.c.created_at, down=True),
        Sort("oldest", "Oldest first", EVALUATIONS.c.created_at),
        Sort("name", "Name, A to Z", func.lower(EVALUATIONS.c.name)),
    ),
    filters=(
        Facet("dataset", "Dataset", EVALUATIONS.c.dataset_name),
        Facet("state", "State", TASKS.c.state),
    ),
    archived=EVALUATIONS.c.archived_at.is_not(None),
)


def look_up(view: View) -> tuple[Slice, list[EvaluationRecord]]:
    """One page of the evaluations."""
    found = look_up_in(LISTING, view)
    return found, in_order(found.ids, store.find(found.ids))


def newest(after: str = "", *, archived: bool = False, limit: int = 50) -> list[EvaluationRecord]:
    """A page of the evaluations, the newest first. Raises DataError if none has the id `after`."""
    ids = tuple(cursors.newest(LISTING, EVALUATIONS, after, archived=archived, limit=limit))
    return in_order(ids, store.find(ids))


def archive(ids: Sequence[str]) -> int:
    """Hide evaluations from the list; returns how many changed."""
    return store.set_archived(ids, archived=True)


def restore(ids: Sequence[str]) -> int:
    """Show archived evaluations again; returns how many changed."""
    return store.set_archived(ids, archived=False)


def rename(evaluation_id: str, name: str) -> None:
    """Give an evaluation another name. Raises NotFound; DataError: the name is empty or too long."""
    store.get(evaluation_id)
    text = name.strip()
    if not text or len(text) > LONGEST_NAME:
        raise DataError(f"A name has 1 to {LONGEST_NAME} characters.", "Choose another one.", field="name")
    store.rename(evaluation_id, text)


def dependents(evaluation_id: str) -> Dependents:
    """What is lost with an evaluation."""
    evaluation = store.get(evaluation_id)
    running = (evaluation.name,) if _runs(evaluation) else ()
    count = len(store.verdicts_of(evaluation_id=evaluation_id))
    text = f"Its answers are deleted, and {count} verdict{'s' if count != 1 else ''} on its models." if count else ""
    return Dependents(unfinished=running, text=text or "Its answers are deleted.")


def delete(evaluation_id: str, typed: str) -> None:
    """Delete an evaluation with its answers and verdicts; one that runs is cancelled first.

    Raises:
        Conflict: `typed` is not its name.
    """
    evaluation = store.get(evaluation_id)
    confirm("evaluation", evaluation.name, typed)
    if _runs(evaluation):
        tasks.request(evaluation.task_id, "cancel")
    store.remove(evaluation_id)


def _runs(evaluation: EvaluationRecord) -> bool:
    return bool(evaluation.task_id) and not tasks.get_task(evaluation.task_id).is_terminal
