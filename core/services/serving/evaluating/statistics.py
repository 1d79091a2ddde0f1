"""How much of a difference between two models is chance: noise of repeated runs, and the bootstrap over examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

SIGMAS: Final = 3.0  # a difference of one model from itself exceeds this in 0.3 % of comparisons
RESAMPLES: Final = 2_000
_ALPHA: Final = 0.05

Run = Mapping[int, float]  # {position: value}


def noise(runs: Sequence[Run]) -> float | None:
    """How far one more run of the same model may be from the mean of these by chance; None without a second run.

    From the variance of each example's value over the runs: 0 where every run gives the same answers.
    """
    shared = set.intersection(*(set(run) for run in runs)) if runs else set()
    if len(runs) < 2 or not shared:
        return None
    variance = sum(_variance([run[position] for run in runs]) for position in shared) / len(shared) ** 2
    return SIGMAS * math.sqrt(variance * (1 + 1 / len(runs)))


def noise_of_share(runs: Sequence[Run], other: Run) -> float:
    """The same for values of 0 and 1, where chance may also have made the runs look steadier than the model is: if it
    does not always answer alike, its variance is at least that of drawing from the pooled share of all runs."""
    measured = noise(runs)
    if not measured or not other:
        return 0.0
    share = sum(sum(run.values()) / len(run) for run in (*runs, other)) / (len(runs) + 1)
    return max(measured, SIGMAS * math.sqrt(share * (1 - share) / len(other) * (1 + 1 / len(runs))))


def mean_run(runs: Sequence[Run]) -> dict[int, float]:
    """The mean of each example's value over the runs, for the examples that all of them have."""
    shared = set.intersection(*(set(run) for run in runs)) if runs else set()
    return {position: sum(run[position] for run in runs) / len(runs) for position in sorted(shared)}


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def paired_interval(before: Run, after: Run, seed: int = 0) -> tuple[float, float, float]:
    """The mean difference over the examples that both have, and its 95 % interval (paired bootstrap, percentiles)."""
    import numpy as np

    positions = sorted(set(before) & set(after))
    if not positions:
        return 0.0, 0.0, 0.0
    differences = np.array([after[position] - before[position] for position in positions])
    draws = np.random.default_rng(seed).integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.quantile(differences[draws].mean(axis=1), (_ALPHA / 2, 1 - _ALPHA / 2))
    return float(differences.mean()), float(low), float(high)
