"""The feedback that may become examples, chosen and counted by the database: rows that do not count are never read."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select

from core.platform.db.tables import CORRECTIONS, FEEDBACK
from core.platform.db.uow import read
from core.serving.feedback import store
from core.serving.feedback.records import CorrectionRecord, VoteRecord
from core.serving.feedback.store import Asked

GOOD_STARS: Final = 4
_BLANKS: Final = " \t\n\r\v\f\u00a0\u3000"


def corrections(agent_id: str, model_id: str, limit: int) -> list[CorrectionRecord]:
    """The accepted corrections that no dataset has, the oldest first."""
    return store.corrections(Asked("accepted", agent_id, model_id, waiting=True), limit=limit)


def count_corrections(agent_id: str, model_id: str) -> tuple[int, int]:
    """How many corrections are accepted and in no dataset, and how many of them have an answer to prefer them to."""
    where = store.conditions(Asked("accepted", agent_id, model_id, waiting=True))
    query = select(func.count(), func.count().filter(_has_answer(CORRECTIONS))).select_from(CORRECTIONS)
    ((total, pairs),) = read(query.where(*where))
    return total, pairs


def good_votes(agent_id: str, model_id: str, limit: int) -> list[VoteRecord]:
    """The last good vote on each answer that may become an example as it is, the last changed first.

    Not where another vote is bad, or anyone corrected the answer.
    """
    newest: dict[str, VoteRecord] = {}
    for vote in store.votes(agent_id, model_id, limit=limit, where=_good()):
        newest.setdefault(vote.turn_id, vote)
    return list(newest.values())


def count_good(agent_id: str, model_id: str) -> int:
    """How many answers `good_votes` has."""
    query = select(func.count(FEEDBACK.c.turn_id.distinct())).where(
        *store.about(FEEDBACK, agent_id, model_id), *_good()
    )
    return int(read(query)[0][0])


def _good() -> list[ColumnElement[bool]]:
    is_good = or_(FEEDBACK.c.thumb > 0, FEEDBACK.c.stars >= GOOD_STARS)
    is_bad = or_(FEEDBACK.c.thumb < 0, FEEDBACK.c.stars.between(1, GOOD_STARS - 1))
    judged_badly = select(FEEDBACK.c.turn_id).where(is_bad)
    corrected = select(CORRECTIONS.c.turn_id)
    turn = FEEDBACK.c.turn_id
    return [is_good, turn.notin_(judged_badly), turn.notin_(corrected), _has_answer(FEEDBACK)]


def _has_answer(table: Any) -> ColumnElement[bool]:
    """Whether the judged answer is more than blanks."""
    answer = table.c.snapshot["answer"].as_string()
    return func.trim(answer, _BLANKS) != ""
