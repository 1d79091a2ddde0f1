"""Frozen records of the arena."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.messages import Message
from core.serving.arena.win_rates import Vote, VoteCount


@dataclass(frozen=True, slots=True)
class Match:
    """One input, the answers of two models to it, and the vote on them.

    Attributes:
        left_id, right_id: of the models on the server; the sides are drawn.
        expected: the output that the dataset expects; "" for a typed input.
        version_id, position: of the example; "" and None for a typed input.
        complete: whether both answers are stored.
        vote: "" until someone votes.
    """

    id: str
    left_id: str
    right_id: str
    left_name: str
    right_name: str
    messages: tuple[Message, ...]
    expected: str
    version_id: str
    position: int | None
    settings: Mapping[str, Any]
    left_answer: str
    right_answer: str
    complete: bool
    vote: Vote | str
    author: str
    created_at: float
    voted_at: float | None

    @property
    def question(self) -> str:
        """The last input."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")


@dataclass(frozen=True, slots=True)
class PairResult:
    """The votes on two models, as `first_id` sees them."""

    first_id: str
    second_id: str
    votes: VoteCount
