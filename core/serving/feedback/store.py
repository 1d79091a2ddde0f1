"""Votes and corrections in the database. What changes one takes the transaction of its caller."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, func, or_, select, update

from core.errors import NotFound
from core.platform.db.tables import CORRECTIONS, DATASETS, FEEDBACK, TURNS
from core.platform.db.uow import UnitOfWork, read
from core.serving.feedback.records import STATES, AnswerSnapshot, CorrectionRecord, VoteRecord

_VOTE: Final = [FEEDBACK.c[item.name] for item in fields(VoteRecord)]
_CORRECTION: Final = [CORRECTIONS.c[item.name] for item in fields(CorrectionRecord)]
_AT_ONCE: Final = 500  # parameters of one statement


@dataclass(frozen=True, slots=True)
class Asked:
    """Which corrections are meant: "" stands for all."""

    state: str = ""
    agent_id: str = ""
    model_id: str = ""
    search: str = ""
    waiting: bool = False  # only those that no dataset has


# ---- votes


def votes_of(conversation_id: str) -> list[VoteRecord]:
    """The votes on the answers of a conversation, the first at the front."""
    query = select(*_VOTE).where(FEEDBACK.c.conversation_id == conversation_id)
    return [_vote(row) for row in read(query.order_by(FEEDBACK.c.created_at, FEEDBACK.c.id))]


def votes(
    agent_id: str = "",
    model_id: str = "",
    *,
    offset: int = 0,
    limit: int = 50,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[VoteRecord]:
    """A page of the votes, the last changed first. `where`: further conditions."""
    query = select(*_VOTE).where(*about(FEEDBACK, agent_id, model_id), *where)
    query = query.order_by(FEEDBACK.c.updated_at.desc(), FEEDBACK.c.id.desc())
    return [_vote(row) for row in read(query.offset(offset).limit(limit))]


def count_votes(agent_id: str = "", model_id: str = "") -> tuple[int, int, int]:
    """How many votes there are, and how many of them are good and bad."""
    good = func.count().filter(FEEDBACK.c.thumb > 0)
    bad = func.count().filter(FEEDBACK.c.thumb < 0)
    ((total, up, down),) = read(
        select(func.count(), good, bad).select_from(FEEDBACK).where(*about(FEEDBACK, agent_id, model_id))
    )
    return total, up, down


def vote_in(uow: UnitOfWork, turn_id: str, author: str) -> VoteRecord | None:
    """The vote of one person on one answer, which no other transaction changes until the commit."""
    query = select(*_VOTE).where(FEEDBACK.c.turn_id == turn_id, FEEDBACK.c.author == author)
    row = uow.execute(query.with_for_update()).one_or_none()
    return None if row is None else _vote(row)


def change_vote(uow: UnitOfWork, vote_id: str, **values: Any) -> None:
    uow.execute(update(FEEDBACK).where(FEEDBACK.c.id == vote_id).values(**values))


def remove_vote(uow: UnitOfWork, vote_id: str) -> None:
    uow.execute(delete(FEEDBACK).where(FEEDBACK.c.id == vote_id))


# ---- corrections


def corrections_of(conversation_id: str) -> list[CorrectionRecord]:
    """The corrections of the answers of a conversation, in the order in which they were written."""
    query = select(*_CORRECTION).where(CORRECTIONS.c.conversation_id == conversation_id)
    return [_correction(row) for row in read(query.order_by(CORRECTIONS.c.created_at, CORRECTIONS.c.id))]


def of_turn(uow: UnitOfWork, turn_id: str) -> list[CorrectionRecord]:
    """The corrections of one answer, in order."""
    query = select(*_CORRECTION).where(CORRECTIONS.c.turn_id == turn_id)
    return [_correction(row) for row in uow.execute(query.order_by(CORRECTIONS.c.created_at, CORRECTIONS.c.id))]


def correction(correction_id: str) -> CorrectionRecord:
    """Raises NotFound."""
    with UnitOfWork(write=False) as uow:
        return correction_in(uow, correction_id)


def correction_in(uow: UnitOfWork, correction_id: str, *, lock: bool = False) -> CorrectionRecord:
    """The same inside a transaction. `lock`: no other one changes a correction of this answer until the commit."""
    query = select(*_CORRECTION).where(CORRECTIONS.c.id == correction_id)
    row = uow.execute(query).one_or_none()
    if row is None:
        raise NotFound("This correction does not exist. It may have been deleted.", "Look at the list of corrections.")
    if lock:
        uow.execute(select(CORRECTIONS.c.id).where(CORRECTIONS.c.turn_id == row.turn_id).with_for_update()).all()
        row = uow.execute(query).one()
    return _correction(row)


def corrections(asked: Asked, *, offset: int = 0, limit: int = 50) -> list[CorrectionRecord]:
    """A page of the corrections, the oldest first: the order in which they are reviewed."""
    query = select(*_CORRECTION).where(*conditions(asked)).order_by(CORRECTIONS.c.created_at, CORRECTIONS.c.id)
    return [_correction(row) for row in read(query.offset(offset).limit(limit))]


def count_corrections(asked: Asked) -> dict[str, int]:
    """How many corrections each state has, whatever state is asked for."""
    query = select(CORRECTIONS.c.state, func.count()).where(*conditions(asked, with_state=False))
    counts = dict.fromkeys(STATES, 0)
    for state, number in read(query.group_by(CORRECTIONS.c.state)):
        counts[state] = number
    return counts


def change_corrections(uow: UnitOfWork, ids: Collection[str], **values: Any) -> int:
    """Set values of corrections; returns how many there are."""
    changed, every = 0, list(ids)
    for start in range(0, len(every), _AT_ONCE):
        query = update(CORRECTIONS).where(CORRECTIONS.c.id.in_(every[start : start + _AT_ONCE]))
        changed += uow.execute(query.values(**values)).rowcount
    return changed


def remove_correction(uow: UnitOfWork, correction_id: str) -> None:
    uow.execute(delete(CORRECTIONS).where(CORRECTIONS.c.id == correction_id))


def datasets_with(agent_id: str = "", model_id: str = "") -> tuple[str, ...]:
    """The datasets that corrections are part of, without deleted ones; the one that was added to last comes first."""
    query = (
        select(CORRECTIONS.c.dataset_id)
        .join(DATASETS, DATASETS.c.id == CORRECTIONS.c.dataset_id)
        .where(DATASETS.c.deleted_at.is_(None), *about(CORRECTIONS, agent_id, model_id))
        .group_by(CORRECTIONS.c.dataset_id)
        .order_by(func.max(CORRECTIONS.c.updated_at).desc())
    )
    return tuple(dataset_id for (dataset_id,) in read(query))


def model_names() -> dict[str, str]:
    """The models that were judged, with the names in their newest snapshots."""
    names: dict[str, str] = {}
    for table in (FEEDBACK, CORRECTIONS):
        for (model_id,) in read(select(table.c.model_id).distinct().order_by(table.c.model_id)):
            newest = select(table.c.snapshot).where(table.c.model_id == model_id)
            ((snapshot,),) = read(newest.order_by(table.c.created_at.desc()).limit(1))
            names[model_id] = snapshot["model_name"] or model_id
    return names


def answering_models() -> dict[str, str]:
    """The models that answered in any conversation, with their last names."""
    newest = func.max(TURNS.c.created_at)
    query = select(TURNS.c.model_id, TURNS.c.model_name, newest).where(TURNS.c.model_id != "")
    query = query.group_by(TURNS.c.model_id, TURNS.c.model_name).order_by(newest)
    return {model_id: name or model_id for model_id, name, _ in read(query)}


def turn_exists(turn_id: str) -> bool:
    """Whether an answer is still in its conversation."""
    return bool(read(select(TURNS.c.id).where(TURNS.c.id == turn_id)))


def still_waiting(uow: UnitOfWork, ids: Collection[str]) -> int:
    """How many of these corrections are accepted and in no dataset; no other transaction changes them until the
    commit."""
    every, count = list(ids), 0
    accepted = conditions(Asked("accepted", waiting=True))
    for start in range(0, len(every), _AT_ONCE):
        part = CORRECTIONS.c.id.in_(every[start : start + _AT_ONCE])
        count += len(uow.execute(select(CORRECTIONS.c.id).where(part, *accepted).with_for_update()).all())
    return count


def about(table: Any, agent_id: str, model_id: str) -> list[ColumnElement[bool]]:
    """The conditions of an agent and a model; "" matches all."""
    named = (("agent_id", agent_id), ("model_id", model_id))
    return [table.c[column] == value for column, value in named if value]


def conditions(asked: Asked, *, with_state: bool = True) -> list[ColumnElement[bool]]:
    """Which corrections are meant, as conditions."""
    found = about(CORRECTIONS, asked.agent_id, asked.model_id)
    if asked.state and with_state:
        found.append(CORRECTIONS.c.state == asked.state)
    for word in asked.search.split():
        columns = (CORRECTIONS.c.text, CORRECTIONS.c.author)
        found.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    if asked.waiting:
        live = select(DATASETS.c.id).where(DATASETS.c.deleted_at.is_(None))
        found.append(CORRECTIONS.c.dataset_id.notin_(live))
    return found


def _vote(row: Row[Any]) -> VoteRecord:
    values = dict(row._mapping)
    snapshot = AnswerSnapshot.from_dict(values["snapshot"])
    return VoteRecord(**{**values, "reasons": tuple(values["reasons"]), "snapshot": snapshot})


def _correction(row: Row[Any]) -> CorrectionRecord:
    return CorrectionRecord(**{**row._mapping, "snapshot": AnswerSnapshot.from_dict(row._mapping["snapshot"])})
