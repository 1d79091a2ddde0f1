"""Frozen records of conversations and their turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LOST_AFTER_S: Final = 20.0  # a running answer is saved every second; later than this, its process has ended


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """An input (role `user`), or an answer with what produced it.

    Attributes:
        state: of an answer: running, complete, stopped (by a user), interrupted (its process ended), failed.
        agent_id, agent_version: of the agent that was asked; "" and 0 where the model was asked directly.
        adapter, template_hash: SHA-256 of the tuned weights ("" for a base) and of the chat template.
        first_token_s, seconds: from the request to the first token and to the end.
        error: `message` and `remedy` of a failed answer.
    """

    id: str
    conversation_id: str
    position: int
    role: str
    content: str
    state: str
    model_id: str
    model_name: str
    agent_id: str
    agent_version: int
    base_model: str
    adapter: str
    template_hash: str
    system: str
    settings: Mapping[str, Any]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float | None
    seconds: float
    error: Mapping[str, Any]
    created_at: float
    updated_at: float

    @property
    def is_answer(self) -> bool:
        return self.role == "assistant"

    @property
    def is_running(self) -> bool:
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation. `model_id`, `system`, `settings` and `agent_id` are those of the last answer, offered for the
    next one.

    Attributes:
        origin: `chat`, or `api` for one of a program that was recorded. key_id: of the API key that recorded it.
        revision: grows with every change.
        turns: in order; empty in a list of conversations.
    """

    id: str
    title: str
    renamed: bool
    model_id: str
    system: str
    settings: Mapping[str, Any]
    agent_id: str
    origin: str
    key_id: str
    revision: int
    created_at: float
    updated_at: float
    turns: tuple[TurnRecord, ...] = field(default=())

    @property
    def last(self) -> TurnRecord | None:
        return self.turns[-1] if self.turns else None

    def turn(self, turn_id: str) -> TurnRecord | None:
        """The turn with this id; None if it was replaced or removed."""
        return next((turn for turn in self.turns if turn.id == turn_id), None)

    @property
    def last_id(self) -> str:
        """The id of the last turn; "" without one."""
        return self.turns[-1].id if self.turns else ""
