"""Label accuracy: expected outputs that are a few short texts, each of them expected more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from core.models.thinking import without_thinking
from core.serving.evaluation.base import EvaluationMetric, Graded, Score
from core.serving.evaluation.structured import MOST_LABELS, NO_LABEL, ConfusionMatrix

LONGEST_LABEL: Final = 60  # characters
FIELD: Final = "label"


def label_of(text: str) -> str:
    """A text as it is compared with a label: without thinking, whitespace around it, case and a period at its end."""
    return without_thinking(text).strip().rstrip(".").casefold()


def labels_of(graded: Sequence[Graded]) -> tuple[str, ...]:
    """The labels, sorted; empty if the expected outputs are not labels."""
    counts = Counter(label_of(item.expected) for item in graded)
    short = all(label and len(label) <= LONGEST_LABEL and not label.startswith("{") for label in counts)
    few = 2 <= len(counts) <= MOST_LABELS and min(counts.values()) > 1
    return tuple(sorted(counts)) if short and few else ()


def _of_one(item: Graded) -> float:
    return float(label_of(item.answer) == label_of(item.expected))


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not labels_of(graded):
        return ()
    right = round(sum(map(_of_one, graded)))
    return (Score.count("Label accuracy", right, len(graded), "label_accuracy"),)


def label_confusion(graded: Sequence[Graded]) -> ConfusionMatrix | None:
    """How often each expected label was answered with each label; None where the expected outputs are not labels."""
    labels = labels_of(graded)
    if not labels:
        return None
    pairs = [(label_of(item.expected), label_of(item.answer)) for item in graded]
    counted = Counter((expected, given if given in labels else NO_LABEL) for expected, given in pairs)
    others = any(column == NO_LABEL for _, column in counted)
    columns = (*labels, NO_LABEL) if others and NO_LABEL not in labels else labels
    return ConfusionMatrix(FIELD, labels, columns, tuple(tuple(counted[row, col] for col in columns) for row in labels))


LABEL_ACCURACY: Final = EvaluationMetric(
    "label_accuracy",
    "Label accuracy",
    "The answer is the expected label, in any case; for outputs that are 2 to 12 different short texts.",
    _compute,
    needs=("reference", "labels"),
    of_one=_of_one,
)
