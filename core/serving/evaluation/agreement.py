"""How far a judge can be trusted: whether it prefers a side, and how well it agrees with people.

A judgment is 1 (the candidate's answer is better), 0 (a tie) or -1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FEWEST_RATINGS: Final = 20  # with fewer, tau and kappa say little
SURE: Final = 0.01  # the chance that a judge without a preference for a side would look like this one


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """Pairs that were judged twice, with the sides swapped; a disagreement of the two is a tie.

    Attributes:
        disagreed: pairs whose two judgments named different winners.
        left, right: of those, how often the same side was named both times.
        biased: the side that the judge prefers whatever is there; "" for none.
    """

    wins: int
    ties: int
    losses: int
    disagreed: int
    left: int
    right: int
    biased: str

    @property
    def total(self) -> int:
        return self.wins + self.ties + self.losses

    @property
    def win_rate(self) -> float:
        """Of the candidate; a tie is half a win. 0.5 where nothing was judged."""
        return (self.wins + self.ties / 2) / self.total if self.total else 0.5


@dataclass(frozen=True, slots=True)
class JudgeCalibration:
    """A judge against people on the pairs that both judged; None where it cannot be computed."""

    ratings: int
    tau: float | None
    kappa: float | None

    @property
    def enough(self) -> bool:
        return self.ratings >= FEWEST_RATINGS


def of_both_orders(pairs: Sequence[tuple[int, int]]) -> JudgedPairs:
    """The result of pairs, each with its judgments where the candidate was at the left, and at the right."""
    from scipy.stats import binomtest

    settled = [first if first == second else 0 for first, second in pairs]
    counts = Counter(settled)
    left = sum((first, second) == (1, -1) for first, second in pairs)
    right = sum((first, second) == (-1, 1) for first, second in pairs)
    biased = ""
    if left + right and binomtest(left, left + right, 0.5).pvalue < SURE:
        biased = "left" if left > right else "right"
    disagreed = sum(first != second for first, second in pairs)
    return JudgedPairs(counts[1], counts[0], counts[-1], disagreed, left, right, biased)


def calibration(judge: Sequence[int], people: Sequence[int]) -> JudgeCalibration:
    """Kendall's tau-b and Cohen's kappa of a judge and people on the same pairs."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(judge, people).statistic) if len(judge) > 1 else math.nan
    return JudgeCalibration(len(judge), None if math.isnan(tau) else tau, kappa(judge, people))


def kappa(first: Sequence[int], second: Sequence[int]) -> float | None:
    """Cohen's kappa: agreement beyond what chance gives; None where chance alone agrees always.

    Written here, because scikit-learn would add a second to the start of every process with torch.
    """
    total = len(first)
    if not total:
        return None
    agreed = sum(one == other for one, other in zip(first, second, strict=True)) / total
    mine, theirs = Counter(first), Counter(second)
    chance = sum(mine[label] * theirs[label] for label in mine) / total**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)
