"""What is new for a browser that polls: tasks that ended, and the newest notice. One query while nothing is new."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from core import arguments
from core.platform.db.tables import EVENTS, NOTICES
from core.platform.db.uow import read
from core.platform.tasks import store
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import FinishedRecord as FinishedRecord
from core.platform.tasks.states import TERMINAL

_MOST = 500  # events of one poll; the next one continues after them


@dataclass(frozen=True, slots=True)
class News:
    """Tasks that ended, oldest first; the last event that was looked at; the id of the newest notice, 0 for none."""

    ended: tuple[FinishedRecord, ...]
    last_event: int
    newest_notice: int


def since(event_id: int) -> News:
    """What happened after an event."""
    newest = select(func.coalesce(func.max(NOTICES.c.id), 0).label("newest_notice")).subquery()
    later = (EVENTS.c.id > arguments.count(event_id)) & (EVENTS.c.kind == "state")
    query = select(newest, EVENTS).select_from(newest.outerjoin(EVENTS, later)).order_by(EVENTS.c.id).limit(_MOST)
    rows = read(query)
    ended = []
    for row in rows:
        if row.id is None or row.data.get("to") not in TERMINAL:
            continue
        task = store.get(row.task_id)
        if kind_of(task.kind).quiet:
            continue
        about = (row.id, task.id, task.kind, task.title, str(row.data["to"]), row.message, row.created_at)
        ended.append(FinishedRecord(*about, dataset_id=str(task.result.get("dataset_id") or "")))
    last = max((row.id for row in rows if row.id is not None), default=event_id)
    return News(tuple(ended), last, int(rows[0].newest_notice))
