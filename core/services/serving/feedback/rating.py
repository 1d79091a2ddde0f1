"""Votes: one for each person and answer, changed as often as the person likes."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, Final

from core import arguments
from core.errors import DataError
from core.ids import new_id
from core.platform.db.tables import FEEDBACK, Feedback
from core.platform.db.uow import UnitOfWork
from core.services.serving.feedback import judged
from core.serving.feedback import REASONS, VoteRecord, store

MAX_COMMENT: Final = 4_000  # characters
_EMPTY: Final = {"thumb": 0, "stars": 0, "reasons": [], "comment": ""}


def rate(
    conversation_id: str,
    turn_id: str,
    *,
    author: str = "",
    thumb: int | None = None,
    stars: int | None = None,
    reasons: Collection[str] | None = None,
    comment: str | None = None,
) -> VoteRecord | None:
    """Say what a person thinks of an answer. What is None remains as it was; a vote without anything is removed.

    Args:
        thumb: 1 up, -1 down, 0 neither. stars: 1 to 5; 0 removes them.

    Raises:
        NotFound, Conflict: the answer does not exist, or is still being written. DataError: a value is not possible.
    """
    given = {"thumb": thumb, "stars": stars, "reasons": reasons, "comment": comment}
    values = _checked({name: value for name, value in given.items() if value is not None})
    name, now = judged.author(author), time.time()
    with UnitOfWork() as uow:
        about = judged.answer_in(uow, conversation_id, turn_id)
        if any(values.values()):
            uow.insert_new(FEEDBACK, [Feedback(id=new_id("vote"), author=name, **about, **values).model_dump()])
        vote = store.vote_in(uow, turn_id, name)
        if vote is None:
            return None
        after = {field: values.get(field, getattr(vote, field)) for field in _EMPTY}
        if not any(after.values()):
            store.remove_vote(uow, vote.id)
        elif any(getattr(vote, field) != _plain(value) for field, value in values.items()):
            store.change_vote(uow, vote.id, updated_at=now, **values)
        vote = store.vote_in(uow, turn_id, name)
        uow.commit()
    return vote


def latest(agent_id: str = "", model_id: str = "", offset: int = 0, limit: int = 50) -> list[VoteRecord]:
    """A page of the votes on an agent, a model or all answers, the last changed first."""
    return store.votes(agent_id, model_id, offset=arguments.count(offset), limit=arguments.count(limit))


def tally(agent_id: str = "", model_id: str = "") -> tuple[int, int, int]:
    """How many votes there are, and how many of them are good and bad."""
    return store.count_votes(agent_id, model_id)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are stored. Raises DataError."""
    for field, lowest, highest in (("thumb", -1, 1), ("stars", 0, 5)):
        value = values.get(field, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            text = f"`{field}` must be a whole number from {lowest} to {highest}; got {value!r}."
            raise DataError(text, field=field)
    if "reasons" in values:
        values["reasons"] = list(dict.fromkeys(arguments.texts(values["reasons"], "reasons")))
        for reason in values["reasons"]:
            if reason not in REASONS:
                text = f"There is no reason {reason!r}."
                raise DataError(text, f"Use some of: {', '.join(REASONS.ids())}.", field="reasons")
    if "comment" in values:
        values["comment"] = values["comment"].strip()
        if len(values["comment"]) > MAX_COMMENT:
            text = f"The comment is too long: {len(values['comment']):,} characters; the limit is {MAX_COMMENT:,}."
            raise DataError(text, "Shorten it.", field="comment")
    return values
