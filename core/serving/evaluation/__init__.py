"""Evaluation metrics: pure functions of expected outputs and answers. To add one: its file, and one line here."""

from __future__ import annotations

from collections.abc import Sequence

from core.serving.evaluation.base import EVALUATION_METRICS, EvaluationMetric, Graded, Score
from core.serving.evaluation.structured import (
    ALL_FIELDS,
    FIELD_ACCURACY,
    VALID_JSON,
    ConfusionMatrix,
    FieldGrade,
    confusion,
    graded_fields,
    label_field,
)

EVALUATION_METRICS.add(VALID_JSON)
EVALUATION_METRICS.add(FIELD_ACCURACY)
EVALUATION_METRICS.add(ALL_FIELDS)


def figures(graded: Sequence[Graded]) -> tuple[Score, ...]:
    """The figures of every metric that applies to these answers, in the registry's order."""
    return tuple(figure for metric in EVALUATION_METRICS for figure in metric.compute(graded))


__all__ = [
    "EVALUATION_METRICS",
    "ConfusionMatrix",
    "EvaluationMetric",
    "FieldGrade",
    "Graded",
    "Score",
    "confusion",
    "figures",
    "graded_fields",
    "label_field",
]  # fmt: skip
