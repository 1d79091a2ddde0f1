"""Matches in the database."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import func, select, update

from core.errors import NotFound
from core.ids import new_id
from core.messages import Message
from core.platform.db.tables import MATCHES, ArenaMatch
from core.platform.db.uow import UnitOfWork, read
from core.serving.arena.ranking import Ballot
from core.serving.arena.records import Match
from core.serving.arena.win_rates import Vote

_COLUMNS = [MATCHES.c[item.name] for item in fields(Match)]


def add(
    *,
    sides: Sequence[tuple[str, str]],
    messages: Sequence[Message],
    expected: str,
    version_id: str,
    position: int | None,
    settings: Mapping[str, Any],
) -> Match:
    """Store a new match; `sides` are the ids and names of the left and of the right model."""
    (left_id, left_name), (right_id, right_name) = sides
    row = ArenaMatch(
        id=new_id("match"), left_id=left_id, right_id=right_id, left_name=left_name, right_name=right_name,
        messages=[message.to_dict() for message in messages], expected=expected, version_id=version_id,
        position=position, settings=dict(settings),
    )  # fmt: skip
    with UnitOfWork() as uow:
        uow.session.add(row)
        uow.commit()
        match_id = row.id
    return get(match_id)


def get(match_id: str) -> Match:
    """Raises NotFound."""
    for row in read(select(*_COLUMNS).where(MATCHES.c.id == match_id)):
        return _record(row._mapping)
    raise NotFound("This comparison does not exist (any more).", "Ask for the next one.")


def keep_answers(match_id: str, left: str, right: str) -> None:
    """Store both answers, unless they are stored: those that the first voter saw count."""
    change = update(MATCHES).where(MATCHES.c.id == match_id, MATCHES.c.complete.is_(False))
    with UnitOfWork() as uow:
        uow.execute(change.values(left_answer=left, right_answer=right, complete=True))
        uow.commit()


def decide(match_id: str, vote: Vote, author: str) -> bool:
    """Store the vote; False if there is one already, or the answers are not complete."""
    change = update(MATCHES).where(MATCHES.c.id == match_id, MATCHES.c.vote == "", MATCHES.c.complete.is_(True))
    with UnitOfWork() as uow:
        changed = uow.execute(change.values(vote=vote, author=author, voted_at=time.time())).rowcount
        uow.commit()
    return bool(changed)


def ballots(model_ids: Collection[str] = ()) -> list[Ballot]:
    """Every vote between these models, the oldest first; without models, every vote."""
    query = select(MATCHES.c.left_id, MATCHES.c.right_id, MATCHES.c.vote).where(MATCHES.c.vote != "")
    if model_ids:
        query = query.where(MATCHES.c.left_id.in_(model_ids), MATCHES.c.right_id.in_(model_ids))
    return [Ballot(*row) for row in read(query.order_by(MATCHES.c.voted_at))]


def positions_voted(version_id: str, pair: Collection[str]) -> set[int]:
    """The examples of a version on which these two models have a vote."""
    query = select(MATCHES.c.position).where(
        MATCHES.c.version_id == version_id,
        MATCHES.c.vote != "",
        MATCHES.c.left_id.in_(pair),
        MATCHES.c.right_id.in_(pair),
    )
    return {row[0] for row in read(query) if row[0] is not None}


def names() -> dict[str, str]:
    """The newest name of every model with a vote: it may have been deleted."""
    query = select(MATCHES.c.left_id, MATCHES.c.left_name, MATCHES.c.right_id, MATCHES.c.right_name)
    found: dict[str, str] = {}
    for row in read(query.where(MATCHES.c.vote != "").order_by(MATCHES.c.created_at)):
        found |= {row[0]: row[1], row[2]: row[3]}
    return found


def recent(limit: int) -> tuple[list[Match], int]:
    """The newest matches with a vote, and how many there are."""
    voted = MATCHES.c.vote != ""
    rows = read(select(*_COLUMNS).where(voted).order_by(MATCHES.c.voted_at.desc()).limit(limit))
    total = next(iter(read(select(func.count()).select_from(MATCHES).where(voted))))[0]
    return [_record(row._mapping) for row in rows], total


def _record(row: Mapping[Any, Any]) -> Match:
    messages = tuple(Message.from_dict(message) for message in row["messages"])
    return Match(**{**row, "messages": messages, "settings": dict(row["settings"])})
