"""Latency: the seconds from a question to the end of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.serving.evaluation.base import EvaluationMetric, Graded, Score


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values is at most; of a sorted list the nearest one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    known = [item.seconds for item in graded if item.seconds is not None]
    if not known:
        return ()
    return tuple(
        Score(title, quantile(known, share), len(known), "seconds", direction="lower", metric="latency")
        for title, share in (("Latency, median", 0.5), ("Latency, 95% within", 0.95))
    )


LATENCY: Final = EvaluationMetric(
    "latency",
    "Latency",
    "Seconds from a question to the end of its answer, as answers were generated: many at a time.",
    _compute,
    "lower",
    ("time",),
    "seconds",
    lambda item: item.seconds,
)
