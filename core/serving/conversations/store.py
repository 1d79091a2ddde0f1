"""Conversations in the database. What changes one takes the transaction of its caller."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update

from core.errors import NotFound
from core.ids import new_id
from core.platform.db.tables import CONVERSATIONS, TURNS, ChatConversation, ChatTurn
from core.platform.db.uow import UnitOfWork, read
from core.serving.conversations.records import LOST_AFTER_S, ConversationRecord, TurnRecord

_TURN: Final = [TURNS.c[item.name] for item in fields(TurnRecord)]
_CONVERSATION: Final = [CONVERSATIONS.c[item.name] for item in fields(ConversationRecord) if item.name != "turns"]


def listed(search: str, offset: int, limit: int) -> tuple[list[ConversationRecord], int]:
    """A page of the conversations of Chat whose titles contain a text, the newest first, and how many there are."""
    found = CONVERSATIONS.c.title.icontains(search, autoescape=True) & (CONVERSATIONS.c.origin == "chat")
    query = select(*_CONVERSATION).where(found).order_by(CONVERSATIONS.c.updated_at.desc(), CONVERSATIONS.c.id.desc())
    rows = read(query.offset(offset).limit(limit))
    total = read(select(func.count()).select_from(CONVERSATIONS).where(found))[0][0]
    return [_conversation(row, ()) for row in rows], total


def load(conversation_id: str) -> ConversationRecord:
    """Raises NotFound."""
    with UnitOfWork(write=False) as uow:
        return load_in(uow, conversation_id)


def load_in(uow: UnitOfWork, conversation_id: str, *, lock: bool = False) -> ConversationRecord:
    """The same inside a transaction; `lock` lets no other one change it before the commit."""
    query = select(*_CONVERSATION).where(CONVERSATIONS.c.id == conversation_id)
    row = uow.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This conversation does not exist. It may have been deleted.", "Start a new chat.")
    turns = uow.execute(
        select(*_TURN).where(TURNS.c.conversation_id == conversation_id).order_by(TURNS.c.position)
    ).all()
    return _conversation(row, turns)


def load_turn(turn_id: str) -> TurnRecord | None:
    """A turn as it is stored now; None if it was replaced or removed."""
    rows = read(select(*_TURN).where(TURNS.c.id == turn_id))
    return _turn(rows[0]) if rows else None


def revision_of(conversation_id: str) -> int | None:
    """What a window compares with the revision that it shows; None if the conversation was deleted."""
    rows = read(select(CONVERSATIONS.c.revision).where(CONVERSATIONS.c.id == conversation_id))
    return rows[0][0] if rows else None


def create(uow: UnitOfWork, conversation_id: str, title: str) -> None:
    """Add an empty conversation, unless it exists."""
    uow.insert_new(CONVERSATIONS, [ChatConversation(id=conversation_id, title=title).model_dump()])


def change(uow: UnitOfWork, conversation_id: str, *, moves_up: bool = True, **values: Any) -> None:
    """Set values and count the change. `moves_up`: the conversation becomes the newest one of the list."""
    if moves_up:
        values["updated_at"] = time.time()
    values["revision"] = CONVERSATIONS.c.revision + 1
    uow.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id).values(**values))


def add_turn(uow: UnitOfWork, conversation_id: str, position: int, role: str, **values: Any) -> str:
    """Add a turn at a position; returns its id."""
    turn = ChatTurn(id=new_id("turn"), conversation_id=conversation_id, position=position, role=role, **values)
    uow.execute(TURNS.insert(), [turn.model_dump()])
    return turn.id


def remove_from(uow: UnitOfWork, conversation_id: str, position: int) -> None:
    """Delete the turns from a position on."""
    uow.execute(delete(TURNS).where(TURNS.c.conversation_id == conversation_id, TURNS.c.position >= position))


def remove(uow: UnitOfWork, conversation_id: str) -> None:
    """Delete a conversation with its turns."""
    remove_from(uow, conversation_id, 0)
    uow.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id))


def save_answer(turn_id: str, values: Mapping[str, Any]) -> bool:
    """Write what arrived of an answer. Returns False if it is not running any more: another window stopped it, or
    its turn was removed."""
    with UnitOfWork() as uow:
        query = update(TURNS).where(TURNS.c.id == turn_id, TURNS.c.state == "running")
        done = uow.execute(query.values(**values, updated_at=time.time())).rowcount == 1
        if done and values["state"] != "running":
            owner = uow.execute(select(TURNS.c.conversation_id).where(TURNS.c.id == turn_id)).scalar_one()
            change(uow, owner)
        uow.commit()
    return done


def _conversation(row: Row[Any], turns: Sequence[Row[Any]]) -> ConversationRecord:
    return ConversationRecord(**dict(row._mapping), turns=tuple(_turn(turn) for turn in turns))


def _turn(row: Row[Any]) -> TurnRecord:
    values = dict(row._mapping)
    if values["state"] == "running" and time.time() - values["updated_at"] > LOST_AFTER_S:
        values["state"] = "interrupted"
    return TurnRecord(**values)
