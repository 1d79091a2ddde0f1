"""What an evaluation metric is: a pure function of expected outputs and a model's answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.registry import Registry

Needs = Literal["reference", "labels", "judge"]


@dataclass(frozen=True, slots=True)
class Graded:
    """The expected output of one example (the reference), and a model's answer to it."""

    expected: str
    answer: str


@dataclass(frozen=True, slots=True)
class Score:
    """A count of right answers: `right` of `total`."""

    title: str
    right: int
    total: int

    @property
    def share(self) -> float:
        """0 to 1; 0 if nothing was counted."""
        return self.right / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class EvaluationMetric:
    """One evaluation metric.

    Attributes:
        title: as the screens and the command line show it; a metric with several figures names each of them itself.
        description: what counts as right, in one sentence.
        direction: which values are better.
        needs: what the metric cannot be computed without.
        compute: the figures of all graded answers; empty if the metric does not apply to them.
    """

    id: str
    title: str
    description: str
    compute: Callable[[Sequence[Graded]], tuple[Score, ...]]
    direction: Literal["higher", "lower"] = "higher"
    needs: tuple[Needs, ...] = ("reference",)


EVALUATION_METRICS: Final = Registry[EvaluationMetric]("evaluation metric")
