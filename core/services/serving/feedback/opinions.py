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

    def vote_of(self, author: str) -> VoteRecord | None:
        """The vote of a person."""
        return next((vote for vote in self.votes if vote.author == author), None)


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


def judged_models() -> dict[str, str]:
    """The models with feedback by their ids, with the names that they had when they answered last."""
    return store.model_names()


def answering_models() -> dict[str, str]:
    """The models that answered in any conversation by their ids, with the names that they had last."""
    return store.answering_models()


def is_there(one: VoteRecord | CorrectionRecord) -> bool:
    """Whether the answer is still in its conversation."""
    return store.turn_exists(one.turn_id)
