"""What people think of the answers of a conversation, as it is shown under each answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from core.serving.feedback import CorrectionRecord, VoteRecord, store


@dataclass(frozen=True, slots=True)
class Opinions:
    """The votes on one answer and its corrections, each in order."""

    votes: tuple[VoteRecord, ...] = ()
    corrections: tuple[CorrectionRecord, ...] = ()


def of_conversation(conversation_id: str) -> Mapping[str, Opinions]:
    """The opinions by the id of the answer; answers without any are left out."""
    votes, corrections = defaultdict(list), defaultdict(list)
    for vote in store.votes_of(conversation_id):
        votes[vote.turn_id].append(vote)
    for one in store.corrections_of(conversation_id):
        corrections[one.turn_id].append(one)
    return {turn: Opinions(tuple(votes[turn]), tuple(corrections[turn])) for turn in {*votes, *corrections}}


def of_turn(conversation_id: str, turn_id: str) -> Opinions:
    """The opinions on one answer."""
    return of_conversation(conversation_id).get(turn_id, Opinions())
