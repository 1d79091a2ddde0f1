"""Wizards in progress. A draft is a database row, so its URL shows the same step and choices in any browser.

State of a `convert` draft (each entry is optional until the step that needs it):
    source_id               the stored upload
    mode                    "guided" (templates) or "smart" (a language model writes); absent: guided
    smart                   the recipe of the smart mode
    smart_preview           previewed rows, with the choices they were written with
    shape                   id of a known chat shape, instead of template and mapping
    template                id in TEMPLATES
    mapping                 {"key": column, "target": column, "include": [columns]}
    options                 the template's options
    name, description       of the new dataset
    validation_source_id    a second upload, whose rows become the validation split
    hold_out                share of the examples to hold out, 0 to 0.5; absent: decided by size
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from core import arguments
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.platform.db.tables import BackgroundTask, Draft, Source
from core.platform.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """A wizard's state. `revision` grows with every change; `result_id` is the id of its task, dataset or job."""

    id: str
    kind: str
    step: str
    state: dict[str, Any]
    revision: int
    result_id: str | None
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class UnfinishedDraft:
    """A wizard that has not finished, for a list.

    `filename` is None if the stored file was deleted. `state` is `open` before the start, then the state of the draft's
    task (paused, failed, running, ...), with its `progress` (0-100).
    """

    id: str
    kind: str
    step: str
    mode: str
    name: str
    filename: str | None
    state: str
    progress: float
    updated_at: float


def create(kind: str, state: dict[str, Any] | None = None, step: str = "") -> DraftRecord:
    """Start a wizard of kind `convert`, `chat_import` or `job`."""
    row = Draft(id=new_id("draft"), kind=kind, state=arguments.mapping(state, "state"), step=step)
    with UnitOfWork() as uow:
        uow.session.add(row)
        uow.commit()
        return _record(row)


def get(draft_id: str) -> DraftRecord:
    """The draft. Raises NotFound."""
    with UnitOfWork(write=False) as uow:
        return _record(_row(uow, draft_id))


def update(
    draft_id: str, revision: int | None = None, state: dict[str, Any] | None = None, step: str | None = None
) -> DraftRecord:
    """Merge `state` into the draft's state and move to `step`.

    Args:
        revision: the revision that the change is based on; None overwrites any.

    Raises:
        Conflict: another window changed the draft; nothing was written.
    """
    more = arguments.mapping(state, "state")
    with UnitOfWork() as uow:
        row = _row(uow, draft_id, lock=True)
        if revision is not None and revision != row.revision:
            raise Conflict("This draft was changed in another window.", "Reload to continue from its newest state.")
        row.state = {**row.state, **more}
        row.step = row.step if step is None else step
        row.revision += 1
        row.updated_at = time.time()
        uow.session.add(row)
        uow.commit()
        return _record(row)


def list_open(kind: str | None = None) -> list[DraftRecord]:
    """Drafts without a result, the last changed first."""
    query = select(Draft).where(col(Draft.result_id).is_(None)).order_by(col(Draft.updated_at).desc())
    if kind:
        query = query.where(Draft.kind == kind)
    with UnitOfWork(write=False) as uow:
        return [_record(row) for row in uow.session.exec(query)]


def unfinished(kind: str) -> list[UnfinishedDraft]:
    """Wizards of this kind that can be continued, the last changed first; those that created a dataset are left out."""
    query = (
        select(Draft, BackgroundTask)
        .outerjoin(BackgroundTask, col(BackgroundTask.id) == col(Draft.result_id))
        .where(Draft.kind == kind)
        .where(col(Draft.result_id).is_(None) | (col(BackgroundTask.state) != "succeeded"))
        .order_by(col(Draft.updated_at).desc())
    )
    found = []
    with UnitOfWork(write=False) as uow:
        for draft, task in uow.session.exec(query):
            source = uow.session.get(Source, str(draft.state.get("source_id") or ""))
            found.append(
                UnfinishedDraft(
                    id=draft.id,
                    kind=draft.kind,
                    step=draft.step,
                    mode=str(draft.state.get("mode") or "guided"),
                    name=str(draft.state.get("name") or ""),
                    filename=source.filename if source else None,
                    state=task.state if task else "open",
                    progress=task.progress if task else 0.0,
                    updated_at=max(draft.updated_at, task.updated_at if task else 0.0),
                )
            )
    return found


def finish(draft_id: str, result_id: str, replaces: str | None = None) -> DraftRecord:
    """Store the id of the draft's task, dataset or job. The first one remains, unless it is `replaces`."""
    with UnitOfWork() as uow:
        row = _row(uow, draft_id, lock=True)
        if row.result_id in (None, replaces):
            row.result_id = result_id
            row.updated_at = time.time()
            uow.session.add(row)
            uow.commit()
        return _record(row)


def discard(draft_id: str) -> None:
    """Delete a draft, if it exists."""
    with UnitOfWork() as uow:
        row = uow.session.get(Draft, draft_id)
        if row is not None:
            uow.session.delete(row)
            uow.commit()


def _row(uow: UnitOfWork, draft_id: str, *, lock: bool = False) -> Draft:
    row = uow.session.get(Draft, draft_id, with_for_update=lock or None)
    if row is None:
        raise NotFound(f"There is no draft {draft_id!r}.", "It may have been discarded; start again.")
    return row


def _record(row: Draft) -> DraftRecord:
    return DraftRecord(**row.model_dump())
