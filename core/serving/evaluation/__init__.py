"""Evaluation metrics: pure functions of expected outputs and answers. To add one: its file, and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from core.serving.evaluation.base import EVALUATION_METRICS, Direction, EvaluationMetric, Graded, Score, mean_of
from core.serving.evaluation.bleu import BLEU_SCORE
from core.serving.evaluation.chrf import CHRF
from core.serving.evaluation.exact_match import EXACT_MATCH
from core.serving.evaluation.label_accuracy import LABEL_ACCURACY, label_confusion, labels_of
from core.serving.evaluation.latency import LATENCY
from core.serving.evaluation.perplexity import PERPLEXITY
from core.serving.evaluation.rouge import ROUGE
from core.serving.evaluation.schema_match import SCHEMA_MATCH
from core.serving.evaluation.structured import (
    ALL_FIELDS,
    FIELD_ACCURACY,
    VALID_JSON,
    ConfusionMatrix,
    FieldGrade,
    confusion,
    graded_fields,
    is_structured,
    label_field,
)
from core.serving.evaluation.token_f1 import TOKEN_F1
from core.serving.evaluation.tokens import TOKENS

EVALUATION_METRICS.add(EXACT_MATCH)
EVALUATION_METRICS.add(LABEL_ACCURACY)
EVALUATION_METRICS.add(VALID_JSON)
EVALUATION_METRICS.add(SCHEMA_MATCH)
EVALUATION_METRICS.add(FIELD_ACCURACY)
EVALUATION_METRICS.add(ALL_FIELDS)
EVALUATION_METRICS.add(TOKEN_F1)
EVALUATION_METRICS.add(ROUGE)
EVALUATION_METRICS.add(CHRF)
EVALUATION_METRICS.add(BLEU_SCORE)
EVALUATION_METRICS.add(PERPLEXITY)
EVALUATION_METRICS.add(LATENCY)
EVALUATION_METRICS.add(TOKENS)

OF_OBJECTS: Final = (VALID_JSON.id, FIELD_ACCURACY.id, ALL_FIELDS.id)


def figures(graded: Sequence[Graded], metrics: Iterable[EvaluationMetric] = EVALUATION_METRICS) -> tuple[Score, ...]:
    """The figures of the metrics that apply to these answers, in order; by default of every metric."""
    return tuple(figure for metric in metrics for figure in metric.compute(graded))


def object_figures(graded: Sequence[Graded]) -> tuple[Score, ...]:
    """The figures of answers that should be JSON objects; empty where the expected outputs are not objects."""
    return figures(graded, map(EVALUATION_METRICS.get, OF_OBJECTS))


def main_metric(graded: Sequence[Graded]) -> EvaluationMetric:
    """The metric that says best whether such answers are right: of objects, of labels, of short and of long texts."""
    if is_structured(graded):
        return ALL_FIELDS
    if labels_of(graded):
        return LABEL_ACCURACY
    words = sorted(len(item.expected.split()) for item in graded)
    return EXACT_MATCH if not words or words[len(words) // 2] <= _SHORT else TOKEN_F1


_SHORT: Final = 8  # words; a longer text is rarely repeated word for word

__all__ = [
    "EVALUATION_METRICS",
    "ConfusionMatrix",
    "Direction",
    "EvaluationMetric",
    "FieldGrade",
    "Graded",
    "Score",
    "confusion",
    "figures",
    "graded_fields",
    "label_confusion",
    "label_field",
    "main_metric",
    "mean_of",
    "object_figures",
]  # fmt: skip
