"""The reasons that a vote can have: one line for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.registry import Registry

Side = Literal["good", "bad"]


@dataclass(frozen=True, slots=True)
class VoteReason:
    """Why an answer is good or bad. The id is stored, so it never changes."""

    id: str
    title: str
    side: Side


REASONS: Final = Registry[VoteReason]("reason for a vote")

for _reason in (
    VoteReason("correct", "Correct", "good"),
    VoteReason("clear", "Clear", "good"),
    VoteReason("right_format", "Right format", "good"),
    VoteReason("right_tone", "Right tone", "good"),
    VoteReason("incorrect", "Not correct", "bad"),
    VoteReason("made_up", "Made up", "bad"),
    VoteReason("incomplete", "Incomplete", "bad"),
    VoteReason("ignored_instructions", "Ignored instructions", "bad"),
    VoteReason("wrong_format", "Wrong format", "bad"),
    VoteReason("wrong_tone", "Wrong tone", "bad"),
    VoteReason("too_long", "Too long", "bad"),
    VoteReason("refused", "Refused to answer", "bad"),
    VoteReason("harmful", "Harmful", "bad"),
):
    REASONS.add(_reason)
