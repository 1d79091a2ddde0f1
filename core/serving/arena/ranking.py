"""The order of three or more models by their votes: Bradley and Terry's model, with intervals by resampling the votes.

Rating 1,000 is the average; 400 points more mean that a model wins ten of eleven decided votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from core.serving.arena.win_rates import Vote

FEWEST: Final = 3  # models; two are described completely by their win rate
CENTER, SCALE = 1000.0, 400.0
RESAMPLES: Final = 300
SEED: Final = 7
PRIOR: Final = 0.5  # ties of each pair that is compared: without them a model that never lost had no finite rating


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote: the ids of the two models, and which answer was better."""

    left_id: str
    right_id: str
    vote: Vote


@dataclass(frozen=True, slots=True)
class Rated:
    """A model's rating, with its 95 % interval."""

    model_id: str
    rating: float
    low: float
    high: float


def ranking(ballots: Sequence[Ballot]) -> list[Rated]:
    """The models of the ballots, the best first; empty for fewer than FEWEST, and where some models are linked to the
    others by no chain of votes, so that nothing can be said about their order."""
    decided = [ballot for ballot in ballots if ballot.vote != "both_bad"]
    names = sorted({name for ballot in decided for name in (ballot.left_id, ballot.right_id)})
    if len(names) < FEWEST or not _linked(names, decided):
        return []
    kinds = sorted({(ballot.left_id, ballot.right_id, ballot.vote) for ballot in decided})
    place = {kind: at for at, kind in enumerate(kinds)}
    counts = np.zeros(len(kinds))
    for ballot in decided:
        counts[place[ballot.left_id, ballot.right_id, ballot.vote]] += 1
    total = int(counts.sum())
    drawn = np.random.default_rng(SEED).multinomial(total, counts / total, size=RESAMPLES)
    ratings = _ratings(names, kinds, counts)
    resampled = np.array([_ratings(names, kinds, row.astype(float)) for row in drawn])
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    rated = [Rated(name, float(ratings[at]), float(low[at]), float(high[at])) for at, name in enumerate(names)]
    return sorted(rated, key=lambda one: -one.rating)


def _linked(names: Sequence[str], ballots: Sequence[Ballot]) -> bool:
    """Whether the votes link every model with every other one."""
    reached = {names[0]}
    pairs = {frozenset((ballot.left_id, ballot.right_id)) for ballot in ballots}
    while more := {name for pair in pairs if pair & reached for name in pair} - reached:
        reached |= more
    return len(reached) == len(names)


def _ratings(names: Sequence[str], kinds: Sequence[tuple[str, str, Vote]], weights: np.ndarray) -> np.ndarray:
    from evalica import Winner, bradley_terry  # loads pandas and scipy

    winners = {"left": Winner.X, "right": Winner.Y, "tie": Winner.Draw}
    met = {frozenset(kind[:2]) for kind in kinds}
    prior = [pair for pair in combinations(names, 2) if frozenset(pair) in met]
    result = bradley_terry(
        [kind[0] for kind in kinds] + [left for left, _ in prior],
        [kind[1] for kind in kinds] + [right for _, right in prior],
        [winners[kind[2]] for kind in kinds] + [Winner.Draw] * len(prior),
        weights=[*weights, *[PRIOR] * len(prior)],
    )
    logs: np.ndarray = np.log10(np.array([result.scores[name] for name in names]))
    rated: np.ndarray = CENTER + SCALE * (logs - logs.mean())
    return rated
