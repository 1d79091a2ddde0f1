"""Conversations of Chat and of programs as one list: searched by what was said, filtered by agent, model and rating."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import String, and_, case, cast, exists, false, func, or_, select

from core.errors import DataError
from core.platform.db.engine import get_engine
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.listing.queries import matching_rows
from core.platform.db.tables import API_KEYS, CONVERSATIONS, FEEDBACK, TURNS
from core.platform.db.uow import read
from core.services.serving import served
from core.services.serving.agents import get_agent, model_title, names_of
from core.serving.feedback import REASONS

MOST_FOUND: Final = 500  # conversations, the newest, that a search goes on with
_LONGEST_SEARCH: Final = 200
_DAY_S: Final = 86_400
GOOD, BAD, MIXED, UNRATED = "good", "bad", "mixed", "none"
NOTHING: Final = "none"  # no agent, no model
_RATINGS: Final = {GOOD: "Rated well", BAD: "Rated badly", MIXED: "Rated both ways", UNRATED: "Not rated"}
_ORIGINS: Final = {"chat": "Chat", "api": "Programs"}
_WHEN: Final = {"day": "Last 24 hours", "week": "Last 7 days", "month": "Last 30 days", "older": "Older"}


@dataclass(frozen=True, slots=True)
class TalkRecord:
    """A conversation in the list. `agent` and `model` are names; `agent` is "" where a model was asked directly, `key`
    the name of the API key that recorded it.

    `rating`: good, bad, mixed or none. `origin`: chat, or api for one of a program.
    """

    id: str
    title: str
    agent: str
    agent_id: str
    model: str
    model_id: str
    origin: str
    key: str
    rating: str
    turns: int
    created_at: float
    updated_at: float


def look_up(view: View) -> tuple[Slice, list[TalkRecord]]:
    """One page of the conversations. A search finds titles and what was said: every word in one message."""
    listing = _listing(time.time(), _searched(view.search))
    view = replace(view, search="")
    reason = view.chosen.get("reason", "")
    others = replace(view, chosen={name: value for name, value in view.chosen.items() if name != "reason"})
    counts = _reasons(listing, others)
    if reason:
        listing = replace(listing, where=(*listing.where, _has_reason(reason)))
    found = look_up_in(replace(listing, filters=listing.filters[:-1]), others)
    every = found.every or bool(read(select(CONVERSATIONS.c.id).limit(1)))
    found = replace(found, counts={**found.counts, "reason": counts}, every=int(every))
    return found, in_order(found.ids, _records(found.ids))


@dataclass(frozen=True, slots=True)
class TalksAsked:
    """Which conversations are meant; what is empty does not filter.

    Args:
        agent: name, handle or id; `none` for those that asked a model directly. model: that answered last.
        since, until: Unix seconds of the last change, `until` itself not included.
    """

    search: str = ""
    agent: str = ""
    model: str = ""
    rating: str = ""
    reason: str = ""
    origin: str = ""
    since: float | None = None
    until: float | None = None

    @property
    def where(self) -> list[Any]:
        """The conditions that are not filters of the list."""
        at = CONVERSATIONS.c.updated_at
        dates = [
            *([] if self.since is None else [at >= self.since]),
            *([] if self.until is None else [at < self.until]),
        ]
        return [*_searched(self.search), *dates, *([_has_reason(self.reason)] if self.reason else [])]


def find(asked: TalksAsked, offset: int = 0, limit: int = 20) -> tuple[list[TalkRecord], int]:
    """A part of the conversations, the last changed first, and how many match: what programs read page by page.

    Raises:
        NotFound: the agent or the model. DataError: a rating, a reason or an origin that does not exist.
    """
    for name, known in (("rating", _RATINGS), ("origin", _ORIGINS), ("reason", REASONS.ids())):
        if (value := getattr(asked, name)) and value not in known:
            raise DataError(f"Unknown {name} {value!r}.", f"Use one of: {', '.join(known)}.", field=name)
    chosen = {
        "agent": _id_of(CONVERSATIONS.c.agent_id, asked.agent, lambda typed: get_agent(typed).id),
        "model": _id_of(CONVERSATIONS.c.model_id, asked.model, model_id),
        "rating": asked.rating,
        "origin": asked.origin,
    }
    at, listing = CONVERSATIONS.c.updated_at, _listing(time.time(), asked.where)
    listing = replace(listing, filters=listing.filters[:-1])
    ids = matching_rows(select(CONVERSATIONS.c.id), listing, View(chosen=chosen))
    ((total,),) = read(select(func.count()).select_from(ids.subquery()))
    page = read(ids.order_by(at.desc(), CONVERSATIONS.c.id.desc()).offset(offset).limit(limit))
    found = tuple(row.id for row in page)
    return in_order(found, _records(found)), total


def model_id(typed: str) -> str:
    """The id of a model by its id or name, also of an archived one. Raises NotFound, Conflict."""
    tuned = served.tuned_model(typed)
    return tuned.id if tuned else served.find(typed)


def _id_of(column: Any, typed: str, find_id: Callable[[str], str]) -> str:
    """The value of a filter; one that conversations have may have been deleted."""
    if typed in ("", NOTHING) or read(select(CONVERSATIONS.c.id).where(column == typed).limit(1)):
        return typed
    return find_id(typed)


def _searched(search: str) -> list[Any]:
    """The condition of a search; none without one."""
    return [CONVERSATIONS.c.id.in_(_found(search))] if search.strip() else []


def _found(text: str) -> list[str]:
    """The ids of the newest conversations in which a title or a message has all words."""
    words = text[:_LONGEST_SEARCH].split()
    said = and_(*(_has(TURNS.c.content, word) for word in words))
    named = and_(*(_has(CONVERSATIONS.c.title, word) for word in words))
    inside = select(TURNS.c.conversation_id).where(said)
    query = select(CONVERSATIONS.c.id).where(or_(named, CONVERSATIONS.c.id.in_(inside)))
    return [row.id for row in read(query.order_by(CONVERSATIONS.c.updated_at.desc()).limit(MOST_FOUND))]


def _has(column: Any, word: str) -> Any:
    """Whether a text contains a word, in capitals or not. A word of ASCII takes the quick way of each database, which
    is three times as fast: SQLite's own LIKE (`lower` is a function of Python there), PostgreSQL's rules of "C"."""
    if not word.isascii():
        return column.icontains(word, autoescape=True)
    if get_engine().dialect.name == "sqlite":
        return column.contains(word, autoescape=True)
    return func.lower(column.collate("C")).contains(word.lower(), autoescape=True)


def _listing(now: float, where: Sequence[Any] = ()) -> Listing:
    at = CONVERSATIONS.c.updated_at
    ago = [(at >= now - days * _DAY_S, word) for word, days in (("day", 1), ("week", 7), ("month", 30))]
    return Listing(
        key=CONVERSATIONS.c.id,
        rows=_ROWS,
        where=tuple(where),
        search=(CONVERSATIONS.c.title,),
        sorts=(Sort("newest", "Last changed first", at, down=True), Sort("oldest", "Oldest first", at)),
        filters=(
            Facet("agent", "Agent", _or_none(CONVERSATIONS.c.agent_id), _agent_word),
            Facet("model", "Model", _or_none(CONVERSATIONS.c.model_id), model_title),
            Facet("when", "Date", case(*ago, else_="older"), lambda one: _WHEN.get(one, one)),
            Facet("rating", "Rating", _RATING, lambda one: _RATINGS.get(one, one)),
            Facet("origin", "Origin", CONVERSATIONS.c.origin, lambda one: _ORIGINS.get(one, one)),
            Facet("reason", "Reason", CONVERSATIONS.c.id, _reason_word),
        ),
        archived=false(),
    )


def _or_none(column: Any) -> Any:
    """A filter's value for "", which an address cannot tell from no choice."""
    return func.coalesce(func.nullif(column, ""), NOTHING)


_well: Final = or_(FEEDBACK.c.thumb > 0, FEEDBACK.c.stars >= 4)
_badly: Final = or_(FEEDBACK.c.thumb < 0, and_(FEEDBACK.c.stars > 0, FEEDBACK.c.stars <= 2))
# The votes of each conversation: grouped once, because a question for each of many conversations takes PostgreSQL long
_VOTES: Final = (
    select(
        FEEDBACK.c.conversation_id,
        func.max(case((_well, 1), else_=0)).label("good"),
        func.max(case((_badly, 1), else_=0)).label("bad"),
    )
    .group_by(FEEDBACK.c.conversation_id)
    .subquery()
)
_ROWS: Final = CONVERSATIONS.outerjoin(_VOTES, _VOTES.c.conversation_id == CONVERSATIONS.c.id)
_RATING: Final = case(
    (and_(_VOTES.c.good == 1, _VOTES.c.bad == 1), MIXED),
    (_VOTES.c.good == 1, GOOD),
    (_VOTES.c.bad == 1, BAD),
    else_=UNRATED,
)


def _has_reason(reason: str) -> Any:
    votes = FEEDBACK.alias()
    named = cast(votes.c.reasons, String).contains(f'"{reason}"', autoescape=True)
    return exists().where(votes.c.conversation_id == CONVERSATIONS.c.id, named)


def _reasons(listing: Listing, view: View) -> Mapping[str, int]:
    """How many of the conversations have a vote with each reason."""
    rows = _ROWS.join(FEEDBACK, FEEDBACK.c.conversation_id == CONVERSATIONS.c.id)
    query = select(FEEDBACK.c.conversation_id, FEEDBACK.c.reasons)
    with_votes = replace(listing, rows=rows, filters=listing.filters[:-1])
    seen = {
        (row.conversation_id, reason) for row in read(matching_rows(query, with_votes, view)) for reason in row.reasons
    }
    return Counter(reason for _, reason in seen)


def _records(ids: Sequence[str]) -> dict[str, TalkRecord]:
    if not ids:
        return {}
    turns = select(func.count()).where(TURNS.c.conversation_id == CONVERSATIONS.c.id).scalar_subquery()
    own = ("id", "title", "agent_id", "model_id", "origin", "created_at", "updated_at")
    query = select(
        *(CONVERSATIONS.c[name] for name in own),
        API_KEYS.c.name.label("key_name"),
        _RATING.label("rating"),
        turns.label("turns"),
    ).select_from(_ROWS.outerjoin(API_KEYS, API_KEYS.c.id == CONVERSATIONS.c.key_id))
    rows = read(query.where(CONVERSATIONS.c.id.in_(ids)))
    agents = names_of({row.agent_id for row in rows if row.agent_id})
    titles = {model_id: model_title(model_id) for model_id in {row.model_id for row in rows if row.model_id}}
    return {
        row.id: TalkRecord(
            **{name: getattr(row, name) for name in own},
            agent=agents.get(row.agent_id, "A deleted agent") if row.agent_id else "",
            model=titles.get(row.model_id, ""),
            key=row.key_name or "",
            rating=row.rating,
            turns=row.turns,
        )
        for row in rows
    }


def _reason_word(reason: str) -> str:
    return REASONS.get(reason).title if reason in REASONS else reason


def _agent_word(agent_id: str) -> str:
    return "No agent" if agent_id == NOTHING else names_of([agent_id]).get(agent_id, "A deleted agent")


def rating_word(rating: str) -> str:
    """A rating in words."""
    return _RATINGS.get(rating, rating)


LISTING: Final = _listing(0.0)  # what a screen shows of it: filters and sorts; `look_up` has the time of now
