"""Frozen records of votes and corrections, and the copy of a conversation that each of them keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from core.messages import Message
from core.serving.conversations import TurnRecord, messages_for

STATES: Final = ("new", "accepted", "rejected")  # of a correction


@dataclass(frozen=True, slots=True)
class AnswerSnapshot:
    """A conversation up to and with one answer, as it was when someone judged the answer.

    Attributes:
        messages: what the model was sent.
        answer: what it answered.
    """

    title: str
    messages: tuple[Message, ...]
    answer: str
    model_name: str
    base_model: str
    adapter: str
    template_hash: str
    answered_at: float

    @classmethod
    def of(cls, title: str, turns: Sequence[TurnRecord], answer: TurnRecord) -> Self:
        """The snapshot of an answer; `turns` are those of its conversation."""
        before = [turn for turn in turns if turn.position < answer.position]
        return cls(
            title=title,
            messages=tuple(messages_for(before, answer.system)),
            answer=answer.content,
            model_name=answer.model_name,
            base_model=answer.base_model,
            adapter=answer.adapter,
            template_hash=answer.template_hash,
            answered_at=answer.created_at,
        )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        messages = tuple(Message.from_dict(message) for message in raw["messages"])
        return cls(**{**raw, "messages": messages})

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "messages": [message.to_dict() for message in self.messages]}


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """What one person thinks of one answer.

    Attributes:
        author: "" without sign-in.
        thumb: -1, 0 or 1. stars: 1 to 5; 0 for none.
        reasons: ids of REASONS.
    """

    id: str
    turn_id: str
    conversation_id: str
    agent_id: str
    model_id: str
    author: str
    thumb: int
    stars: int
    reasons: tuple[str, ...]
    comment: str
    snapshot: AnswerSnapshot
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """A better answer that a person wrote, and what became of it.

    Attributes:
        proposed: as its author wrote it; `text` as it is used: a reviewer (`edited_by`) may have edited it.
        dataset_id, version_id: what it is part of; "" until then.
    """

    id: str
    turn_id: str
    conversation_id: str
    agent_id: str
    model_id: str
    author: str
    proposed: str
    text: str
    edited_by: str
    edited_at: float | None
    state: str
    decided_by: str
    decided_at: float | None
    snapshot: AnswerSnapshot
    dataset_id: str
    version_id: str
    created_at: float
    updated_at: float

    @property
    def is_edited(self) -> bool:
        """Whether a reviewer changed the text of its author."""
        return self.edited_at is not None
