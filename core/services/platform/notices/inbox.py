"""The list behind the bell, and up to which notice each person has read."""

from __future__ import annotations

import time

from sqlalchemy import ColumnElement, delete, func, or_, select, true, update

from core import arguments
from core.platform.db.tables import NOTICE_DELIVERIES, NOTICE_READERS, NOTICES
from core.platform.db.uow import UnitOfWork, read
from core.platform.notices.outbox import NoticeRecord

KEPT_S = 90 * 86_400.0


def newest(*, person: str = "", limit: int = 20, before: int = 0, kind: str = "") -> list[NoticeRecord]:
    """The newest notices that concern a person or everyone, newest first.

    Args:
        person: "" for all notices (sign-in is off).
        before: only notices with a smaller id, for the next page.
    """
    query = select(NOTICES).where(_concerns(person)).order_by(NOTICES.c.id.desc()).limit(arguments.count(limit))
    if before:
        query = query.where(NOTICES.c.id < arguments.count(before))
    if kind:
        query = query.where(NOTICES.c.kind == kind)
    return [NoticeRecord.of(row._mapping) for row in read(query)]


def unread(reader: str, *, person: str = "") -> int:
    """How many notices a reader has not seen."""
    seen = select(func.coalesce(func.max(NOTICE_READERS.c.read_id), 0)).where(NOTICE_READERS.c.person == reader)
    query = select(func.count()).where(NOTICES.c.id > seen.scalar_subquery(), _concerns(person))
    return int(read(query)[0][0])


def mark_read(reader: str, up_to: int) -> int:
    """A reader has seen all notices up to this id; returns up to which before. An earlier mark is never undone.

    Args:
        reader: a person's name, or the id of a browser where sign-in is off.
    """
    with UnitOfWork() as uow:
        mine = NOTICE_READERS.c.person == reader
        uow.insert_new(NOTICE_READERS, [{"person": reader, "read_id": 0, "read_at": time.time()}])
        before = int(uow.execute(select(NOTICE_READERS.c.read_id).where(mine)).scalar_one())
        if before < up_to:
            uow.execute(update(NOTICE_READERS).where(mine).values(read_id=up_to, read_at=time.time()))
        uow.commit()
    return before


def forget_old() -> int:
    """Delete notices, and marks of browsers, that are older than KEPT_S; returns how many notices."""
    too_old = time.time() - KEPT_S
    if not read(select(NOTICES.c.id).where(NOTICES.c.created_at < too_old).limit(1)):
        return 0
    with UnitOfWork() as uow:
        old = select(NOTICES.c.id).where(NOTICES.c.created_at < too_old)
        uow.execute(delete(NOTICE_DELIVERIES).where(NOTICE_DELIVERIES.c.notice_id.in_(old)))
        count = uow.execute(delete(NOTICES).where(NOTICES.c.created_at < too_old)).rowcount
        uow.execute(delete(NOTICE_READERS).where(NOTICE_READERS.c.read_at < too_old))
        uow.commit()
    return count


def _concerns(person: str) -> ColumnElement[bool]:
    return or_(NOTICES.c.person == "", NOTICES.c.person == person) if person else true()
