"""How often one of two sides is better, how sure that is, and how many more votes would decide it.

The same statistics serve people's votes and a judge's. A tie counts as half a win for each side; where both answers are
bad, nothing is learned about which one is better, so such votes are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, Literal, get_args

Vote = Literal["left", "right", "tie", "both_bad"]
VOTES: Final[tuple[Vote, ...]] = get_args(Vote)
Z95: Final = 1.959963984540054  # quantile of the normal distribution for a two-sided interval of 95 %
MOST_VOTES: Final = 100_000  # beyond it, their number is not useful


@dataclass(frozen=True, slots=True)
class VoteCount:
    """Votes on one pair of models, as the first one sees them."""

    wins: int = 0
    losses: int = 0
    ties: int = 0
    both_bad: int = 0

    @property
    def decided(self) -> int:
        """The votes that say which one is better, or that neither is."""
        return self.wins + self.losses + self.ties

    @property
    def total(self) -> int:
        return self.decided + self.both_bad

    @property
    def mirrored(self) -> VoteCount:
        """The same votes, as the second model sees them."""
        return VoteCount(self.losses, self.wins, self.ties, self.both_bad)


@dataclass(frozen=True, slots=True)
class WinRate:
    """A share of wins between 0 and 1, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out a half: one side is better."""
        return self.low > 0.5 or self.high < 0.5


def tally(votes: Iterable[Vote]) -> VoteCount:
    """Count votes on one pair; "left" is a win of the first model."""
    counted = dict.fromkeys(VOTES, 0)
    for vote in votes:
        counted[vote] += 1
    return VoteCount(counted["left"], counted["right"], counted["tie"], counted["both_bad"])


def win_rate(votes: VoteCount) -> WinRate | None:
    """The share of wins of the first model; None without a vote that decides.

    The interval is Wilson's score interval (E. B. Wilson, JASA 22, 1927), with the variance that ties leave: a vote is
    0, 1/2 or 1, so that its variance is p(1 - p) - t/4 where the share t of the votes are ties.
    """
    if not (count := votes.decided):
        return None
    rate = (votes.wins + votes.ties / 2) / count
    low, high = _interval(rate, votes.ties / count, count)
    return WinRate(rate, low, high)


def _interval(rate: float, ties: float, count: float) -> tuple[float, float]:
    """The rates p with (rate - p)² ≤ z² (p(1 - p) - ties/4) / count."""
    z2 = Z95 * Z95 / count
    center = (rate + z2 / 2) / (1 + z2)
    spread = center * center - (rate * rate + z2 * ties / 4) / (1 + z2)
    half = sqrt(max(spread, 0.0))
    return max(0.0, center - half), min(1.0, center + half)


def more_votes(votes: VoteCount) -> int | None:
    """About how many more votes decide which model is better, if they fall as those so far did.

    0 if it is decided; None if they are even, or so close that MOST_VOTES would not decide it.
    """
    now = win_rate(votes)
    if now is None:
        return None
    if now.is_sure:
        return 0
    ties = votes.ties / votes.decided
    distance = (now.value - 0.5) ** 2
    # The interval ends at one half where (rate - 1/2)² = z² (1/4 - ties/4) / count.
    if not distance or (needed := Z95 * Z95 * (1 - ties) / 4 / distance) > MOST_VOTES:
        return None
    return max(1, ceil(needed) - votes.decided + 1)
