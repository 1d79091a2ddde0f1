"""Conversations of programs: recorded where their API key says so, without personal data, and deleted after some days.

A program sends the whole history with each request. What is stored already is recognized, so that one conversation of
the program is one conversation here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, select

from core.data.examples import sensitive
from core.ids import new_id
from core.platform.db.tables import CONVERSATIONS, TURNS, ChatConversation
from core.platform.db.uow import UnitOfWork, read
from core.services.platform.api_keys import ApiKeyRecord
from core.services.serving.chat import ServedModel
from core.serving.conversations import TurnRecord, store, title_of

log = logging.getLogger("sft.conversations")

MAX_CHARACTERS: Final = 100_000  # of a message that is stored
_DAY_S: Final = 86_400
_CANDIDATES: Final = 20  # conversations with the same beginning that are compared
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What a model answered to a program."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """What a program asked. `thread` tells its conversations apart; `settings` are max_tokens, temperature and others.

    `agent_id` and `agent_version` are "" and 0 where a model was asked directly.
    """

    key: ApiKeyRecord
    thread: str
    messages: Sequence[Mapping[str, Any]]
    model: ServedModel
    settings: Mapping[str, Any]
    agent_id: str = ""
    agent_version: int = 0


def record(asked: RecordedRequest, answer: RecordedAnswer) -> str:
    """Store what was asked and answered; returns the id of the conversation, "" where the key does not record.

    Only text is stored: pictures and the calls of tools are left out.
    """
    if not asked.key.record_days or not answer.text:
        return ""
    clean = sensitive.redact if asked.key.redact else _as_it_is
    turns = [(role, clean(text)[0]) for role, text in _texts(asked.messages)]
    spoken = [(role, text) for role, text in turns if role != "system"]
    if not spoken or spoken[-1][0] != "user":
        return ""
    system = next((text for role, text in turns if role == "system"), "")
    with UnitOfWork() as uow:
        conversation_id, known = _continued(uow, asked, spoken)
        expires = time.time() + asked.key.record_days * _DAY_S
        store.change(
            uow, conversation_id, model_id=asked.model.id, system=system, settings=dict(asked.settings),
            agent_id=asked.agent_id, expires_at=expires,
        )  # fmt: skip
        for position, (role, text) in enumerate(spoken[known:], known):
            store.add_turn(uow, conversation_id, position, role, content=text)
        store.add_turn(
            uow,
            conversation_id,
            len(spoken),
            "assistant",
            content=clean(answer.text[:MAX_CHARACTERS])[0],
            system=system,
            settings=dict(asked.settings),
            agent_id=asked.agent_id,
            agent_version=asked.agent_version,
            model_id=asked.model.id,
            model_name=asked.model.title,
            base_model=asked.model.base_model,
            adapter=asked.model.adapter,
            template_hash=asked.model.template_hash,
            finish_reason=answer.finish_reason,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            first_token_s=answer.first_token_s,
            seconds=answer.seconds,
        )
        uow.commit()
    return conversation_id


def forget_expired() -> int:
    """Delete the recorded conversations whose days are over; returns how many. Their votes keep their own copies."""
    done = 0
    while True:
        query = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.expires_at < time.time()).limit(_AT_ONCE)
        ids = [row.id for row in read(query)]
        if not ids:
            return done
        with UnitOfWork() as uow:
            uow.execute(delete(TURNS).where(TURNS.c.conversation_id.in_(ids)))
            uow.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(ids)))
            uow.commit()
        done += len(ids)
        log.info("%d recorded conversations were deleted: their days are over", len(ids))


def _continued(uow: UnitOfWork, asked: RecordedRequest, spoken: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """The conversation that the request continues, or a new one; and how many of its turns are stored."""
    same = (CONVERSATIONS.c.key_id == asked.key.id) & (CONVERSATIONS.c.thread == asked.thread)
    query = select(CONVERSATIONS.c.id).where(same).order_by(CONVERSATIONS.c.updated_at.desc()).limit(_CANDIDATES)
    for row in uow.execute(query).all():
        stored = store.load_in(uow, row.id, lock=True).turns
        if stored and _said(stored) == list(spoken[: len(stored)]) and len(stored) < len(spoken):
            return row.id, len(stored)
    new = ChatConversation(
        id=new_id("conv"), title=title_of(spoken[0][1]), origin="api", key_id=asked.key.id, thread=asked.thread
    )
    uow.execute(CONVERSATIONS.insert(), [new.model_dump()])
    return new.id, 0


def _said(turns: Sequence[TurnRecord]) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in turns]


def _texts(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    found = []
    for message in messages:
        role = {"developer": "system"}.get(str(message.get("role")), str(message.get("role")))
        content = message.get("content")
        if isinstance(content, list):
            parts = (part for part in content if isinstance(part, dict) and part.get("type") == "text")
            content = "\n".join(str(part.get("text", "")) for part in parts)
        if role in ("system", "user", "assistant") and isinstance(content, str) and content:
            found.append((role, content[:MAX_CHARACTERS]))
    return found


def _as_it_is(text: str) -> tuple[str, int]:
    return text, 0
