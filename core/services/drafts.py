"""Wizards in progress. A draft is a row, so its address shows the same step and choices in any browser.

State of a `convert` draft (all optional until the step that needs them):
    source_id               the stored upload
    shape                   id of a known chat shape, instead of template and mapping
    template                id in TEMPLATES
    mapping                 {"key": column, "target": column, "include": [columns]}
    options                 the template's options
    name, description       of the dataset to make
    validation_source_id    a second upload, whose rows become the validation part
    hold_out                share of the examples to hold out, 0 to 0.5; absent: decided by size
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from core.db.tables import Draft
from core.db.uow import UnitOfWork
from core.errors import Conflict, NotFound
from core.ids import new_id


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """A wizard's state. `revision` grows with every change; `result_id` is what the draft became."""

    id: str
    kind: str
    step: str
    state: dict[str, Any]
    revision: int
    result_id: str | None
    created_at: float
    updated_at: float


def create(kind: str, state: dict[str, Any] | None = None, step: str = "") -> DraftRecord:
    """Begin a wizard of kind `convert` or `job`."""
    row = Draft(id=new_id("draft"), kind=kind, state=state or {}, step=step)
    with UnitOfWork() as uow:
        uow.session.add(row)
        uow.commit()
        return _record(row)


def get(draft_id: str) -> DraftRecord:
    """The draft now; NotFound where there is none."""
    with UnitOfWork(write=False) as uow:
        return _record(_row(uow, draft_id))


def update(
    draft_id: str, revision: int | None = None, state: dict[str, Any] | None = None, step: str | None = None
) -> DraftRecord:
    """Merge `state` into the draft's state and move to `step`.

    Args:
        revision: the revision the change was made on; None overwrites whatever is there.

    Raises:
        Conflict: another window changed the draft in between; nothing was written.
    """
    with UnitOfWork() as uow:
        row = _row(uow, draft_id, lock=True)
        if revision is not None and revision != row.revision:
            raise Conflict("This draft was changed in another window.", "Reload to go on from its newest state.")
        row.state = {**row.state, **(state or {})}
        row.step = row.step if step is None else step
        row.revision += 1
        row.updated_at = time.time()
        uow.session.add(row)
        uow.commit()
        return _record(row)


def list_open(kind: str | None = None) -> list[DraftRecord]:
    """Drafts that have not become anything yet, the last touched first."""
    query = select(Draft).where(col(Draft.result_id).is_(None)).order_by(col(Draft.updated_at).desc())
    if kind:
        query = query.where(Draft.kind == kind)
    with UnitOfWork(write=False) as uow:
        return [_record(row) for row in uow.session.exec(query)]


def finish(draft_id: str, result_id: str, replaces: str | None = None) -> DraftRecord:
    """Note what the draft became (a task, dataset or job id). The first result stays, unless it is the one replaced."""
    with UnitOfWork() as uow:
        row = _row(uow, draft_id, lock=True)
        if row.result_id in (None, replaces):
            row.result_id = result_id
            row.updated_at = time.time()
            uow.session.add(row)
            uow.commit()
        return _record(row)


def discard(draft_id: str) -> None:
    """Delete a draft; none there is fine."""
    with UnitOfWork() as uow:
        row = uow.session.get(Draft, draft_id)
        if row is not None:
            uow.session.delete(row)
            uow.commit()


def _row(uow: UnitOfWork, draft_id: str, *, lock: bool = False) -> Draft:
    row = uow.session.get(Draft, draft_id, with_for_update=lock or None)
    if row is None:
        raise NotFound(f"There is no draft {draft_id!r}.", "It may have been discarded; begin again.")
    return row


def _record(row: Draft) -> DraftRecord:
    return DraftRecord(**row.model_dump())
