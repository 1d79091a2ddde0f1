"""What an evaluation metric is: a pure function of expected outputs and a model's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from core.registry import Registry

Needs = Literal["reference", "labels", "judge", "logprobs", "time"]
Unit = Literal["share", "points", "perplexity", "seconds", "tokens"]
Direction = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Graded:
    """The expected output of one example (the reference), and a model's answer to it with what was measured.

    Attributes:
        seconds: from the request to the end of the answer; None where it was not measured.
        tokens: of the answer.
        logprob, expected_tokens: sum of the log-probabilities of the expected output's tokens, and their number; None
            where they were not measured.
        values: of metrics that were computed already, by their ids.
    """

    expected: str
    answer: str
    seconds: float | None = None
    tokens: int = 0
    logprob: float | None = None
    expected_tokens: int = 0
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """A figure of a model: a count, a mean or a figure of all answers together.

    Attributes:
        value: in its unit; a share is 0 to 1, points are 0 to 100.
        total: the answers that it is of.
        right: of a count, how many of them.
        metric: the id of the metric; "" if it is of none.
    """

    title: str
    value: float
    total: int
    unit: Unit = "share"
    right: int | None = None
    direction: Direction = "higher"
    metric: str = ""

    @classmethod
    def count(cls, title: str, right: int, total: int, metric: str = "") -> Self:
        """`right` of `total` answers; 0 if nothing was counted."""
        return cls(title, right / total if total else 0.0, total, right=right, metric=metric)

    @property
    def text(self) -> str:
        """With its unit, as tables, screens and the command line show it."""
        return _TEXTS[self.unit](self.value)


_TEXTS: Final[dict[str, Callable[[float], str]]] = {
    "share": lambda value: f"{100 * value:.1f}%",
    "points": lambda value: f"{value:.1f}",
    "perplexity": lambda value: f"{value:,.2f}" if value < 10_000 else f"{value:.1e}",
    "seconds": lambda value: f"{value:.2f} s",
    "tokens": lambda value: f"{value:,.1f}",
}


@dataclass(frozen=True, slots=True)
class EvaluationMetric:
    """One evaluation metric.

    Attributes:
        title: as the screens and the command line show it; a metric with several figures names each of them itself.
        description: what counts as right, in one sentence.
        direction: which values are better.
        needs: what the metric cannot be computed without.
        compute: the figures of all graded answers; empty if the metric does not apply to them.
        of_one: the value of a single answer, which two models are compared by; None if the metric has none for it.
        default: it is chosen when an evaluation starts without a choice.
        given_up: why it is not computed any more, with what to do; "" while it is.
    """

    id: str
    title: str
    description: str
    compute: Callable[[Sequence[Graded]], tuple[Score, ...]]
    direction: Direction = "higher"
    needs: tuple[Needs, ...] = ("reference",)
    unit: Unit = "share"
    of_one: Callable[[Graded], float | None] | None = None
    default: bool = True
    given_up: Callable[[], str] = lambda: ""


def mean_of(
    metric_id: str,
    title: str,
    description: str,
    of_one: Callable[[Graded], float | None],
    *,
    unit: Unit = "share",
    direction: Direction = "higher",
    needs: tuple[Needs, ...] = ("reference",),
    counts: bool = False,
    default: bool = True,
) -> EvaluationMetric:
    """A metric whose figure is the mean over the answers that have a value.

    Args:
        counts: the values are 0 and 1, so that the figure is a count.
    """

    def compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
        found = (item.values[metric_id] if metric_id in item.values else of_one(item) for item in graded)
        values = [value for value in found if value is not None]
        if not values:
            return ()
        if counts:
            return (Score.count(title, round(sum(values)), len(values), metric_id),)
        return (Score(title, sum(values) / len(values), len(values), unit, direction=direction, metric=metric_id),)

    return EvaluationMetric(metric_id, title, description, compute, direction, needs, unit, of_one, default)


EVALUATION_METRICS: Final = Registry[EvaluationMetric]("evaluation metric")
