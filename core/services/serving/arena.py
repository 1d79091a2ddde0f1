"""The blind arena: a pair of models, an input, two answers without names, and a vote.

The sides are drawn when a match begins and stored with it, so that a reload shows the same sides; names are shown after
the vote. Answers are stored once both are complete.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from core.errors import Conflict, DataError
from core.messages import Split
from core.services.serving import chat, comparing, kept
from core.services.serving.chat import ChatOptions
from core.services.serving.comparing import ComparedInput
from core.services.serving.kept import ComparedAnswers
from core.serving.arena import store
from core.serving.arena.ranking import Ballot, Rated, ranking
from core.serving.arena.records import Match as Match, PairResult as PairResult
from core.serving.arena.win_rates import (
    VOTES as VOTES,
    Vote as Vote,
    VoteCount as VoteCount,
    WinRate as WinRate,
    more_votes as more_votes,
    tally,
    win_rate as win_rate,
)

FEWEST: Final = 2
RECENT: Final = 20  # voted matches that a screen lists

get = store.get


@dataclass(frozen=True, slots=True)
class Standing:
    """What all votes say.

    Attributes:
        pairs: every pair with a vote, the most votes first.
        ranked: the models by rating, the best first; empty for fewer than three.
        names: of the models, by id.
    """

    pairs: tuple[PairResult, ...]
    ranked: tuple[Rated, ...]
    names: dict[str, str]

    @property
    def votes(self) -> int:
        return sum(pair.votes.total for pair in self.pairs)


def begin(model_ids: Sequence[str], asked: ComparedInput, options: ChatOptions, pair: Sequence[str] = ()) -> Match:
    """A new match of two of these models: those with the fewest votes on each other; the sides are drawn.

    Args:
        pair: two of the models, if they are known already.

    Raises:
        DataError: fewer than two models. NotFound, ProviderUnavailable: a model cannot answer.
    """
    sides = list(pair or next_pair(model_ids))
    random.shuffle(sides)
    named = [(one.id, one.title) for one in map(chat.identity, sides)]
    settings = {"max_tokens": options.max_tokens, "temperature": options.temperature}
    return store.add(
        sides=named,
        messages=asked.messages,
        expected=asked.expected,
        version_id=asked.version_id,
        position=asked.position,
        settings=settings,
    )


def next_pair(model_ids: Sequence[str]) -> tuple[str, str]:
    """The two models with the fewest votes on each other, of several such pairs a random one. Raises DataError."""
    chosen = list(dict.fromkeys(model_ids))
    if len(chosen) < FEWEST:
        raise DataError(f"A blind comparison needs two models; got {len(chosen)}.", "Choose two or more models.")
    pairs = list(combinations(chosen, 2))
    random.shuffle(pairs)
    counted = [frozenset((ballot.left_id, ballot.right_id)) for ballot in store.ballots(chosen)]
    return min(pairs, key=lambda pair: counted.count(frozenset(pair)))


def next_example(version_id: str, split: Split, pair: Sequence[str]) -> ComparedInput | None:
    """A random example of a split on which these models have no vote, else any one; None for an empty split."""
    listed, _ = comparing.examples_of(version_id, split)
    voted = store.positions_voted(version_id, pair)
    fresh = [one for one in listed if one.position not in voted]
    return random.choice(fresh or listed) if listed else None  # noqa: S311  an example, no secret


def answers(match: Match) -> ComparedAnswers | None:
    """The answers of a match that is not complete, which may still be growing; they are asked for if they were
    not, or if one failed."""
    if match.complete:
        return None
    ids, options = [match.left_id, match.right_id], ChatOptions(**match.settings)
    asked = ComparedInput(match.messages, match.expected, match.position, None, match.version_id)
    found = kept.find(ids, asked, options)
    if found is None or any(one.error for one in found.answers):
        return kept.ask(ids, asked, options)
    return found


def keep(match: Match, answered: ComparedAnswers) -> Match:
    """Store the answers once both are there. Raises the error of an answer that failed."""
    for one in answered.answers:
        if one.error is not None:
            raise one.error
    if answered.done:
        store.keep_answers(match.id, *(one.text for one in answered.answers))
    return store.get(match.id)


def vote(match_id: str, choice: str, author: str = "") -> Match:
    """Store a vote; the same vote again changes nothing.

    Raises:
        DataError: not a vote. NotFound. Conflict: the match has another vote, or its answers are not complete.
    """
    if choice not in VOTES:
        raise DataError(f"“{choice}” is not a vote.", f"Vote {', '.join(VOTES[:-1])} or {VOTES[-1]}.", field="vote")
    if not store.decide(match_id, choice, author):
        found = store.get(match_id)
        if not found.vote:
            raise Conflict("The answers are not complete yet.", "Wait until both are there, then vote.")
        if found.vote != choice:
            raise Conflict("This comparison was decided in another window.", "Go on with the next one.")
    return store.get(match_id)


def standing() -> Standing:
    """The win rate of every pair, and the order of three or more models."""
    every = store.ballots()
    pairs: dict[tuple[str, str], list[Vote]] = {}
    for ballot in every:
        first, second = sorted((ballot.left_id, ballot.right_id))
        pairs.setdefault((first, second), []).append(ballot.vote if ballot.left_id == first else _swapped(ballot))
    results = [PairResult(first, second, tally(votes)) for (first, second), votes in pairs.items()]
    results.sort(key=lambda pair: -pair.votes.total)
    return Standing(tuple(map(_better_first, results)), tuple(ranking(every)), store.names())


def recent() -> tuple[list[Match], int]:
    """The newest matches with a vote, and how many there are."""
    return store.recent(RECENT)


def _swapped(ballot: Ballot) -> Vote:
    swapped: dict[Vote, Vote] = {"left": "right", "right": "left"}
    return swapped.get(ballot.vote, ballot.vote)


def _better_first(pair: PairResult) -> PairResult:
    if pair.votes.wins >= pair.votes.losses:
        return pair
    return PairResult(pair.second_id, pair.first_id, pair.votes.mirrored)
