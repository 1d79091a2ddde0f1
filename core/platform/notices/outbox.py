"""The rows of notices: written in the caller's transaction, delivered later by a background task."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import RowMapping

from core.platform.db.tables import NOTICES
from core.platform.db.uow import UnitOfWork
from core.platform.notices.kinds import NOTICE_KINDS, NoticeKind

LONGEST_TITLE = 200
LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """One notice. `link` is a screen of the studio with its query (`job?job=job_1`), or ""; `person` is whom it
    concerns, "" for everyone."""

    id: int
    kind: str
    title: str
    text: str
    link: str
    person: str
    created_at: float

    @classmethod
    def of(cls, row: RowMapping) -> NoticeRecord:
        return cls(**{name: row[name] for name in cls.__slots__})

    @property
    def about(self) -> NoticeKind:
        """Its kind; of one that no longer exists, a plain record."""
        if self.kind in NOTICE_KINDS:
            return NOTICE_KINDS.get(self.kind)
        return NoticeKind(self.kind, self.kind.replace("_", " ").capitalize(), "notifications", "info")


def send(
    uow: UnitOfWork,
    kind: str,
    title: str,
    text: str = "",
    link: str = "",
    *,
    person: str | None = None,
    once: str = "",
) -> None:
    """Write a notice in this transaction; it is delivered after the commit, and never without it.

    Args:
        kind: an id of `NOTICE_KINDS`.
        title: one short sentence; longer ones are cut, like the text.
        link: the screen to open, with its query (see `link_to`).
        person: whom it concerns; None for everyone.
        once: names the occasion; a second notice with the same name is not written.

    Raises:
        NotFound: no such kind.
    """
    row = {
        "kind": NOTICE_KINDS.get(kind).id,
        "title": title.strip()[:LONGEST_TITLE],
        "text": text.strip()[:LONGEST_TEXT],
        "link": link,
        "person": person or "",
        "once": once or None,
        "created_at": time.time(),
    }
    uow.insert_new(NOTICES, [row])


def link_to(screen: str, query: Mapping[str, str] | None = None) -> str:
    """A link to a screen of the studio: its name and its query."""
    return f"{screen}?{urlencode(query)}" if query else screen
