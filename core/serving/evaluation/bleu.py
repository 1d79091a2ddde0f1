"""BLEU by `sacrebleu`: sequences of words that the answers share with the references, over all answers together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from core.models.thinking import without_thinking
from core.serving.evaluation.base import EvaluationMetric, Graded, Score


@lru_cache(maxsize=2)
def _bleu(effective_order: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=effective_order)  # sacrebleu recommends it for single sentences


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not graded:
        return ()
    answers = [without_thinking(item.answer) for item in graded]
    expected = [without_thinking(item.expected) for item in graded]
    value = float(_bleu(False).corpus_score(answers, [expected]).score)
    return (Score("BLEU", value, len(graded), "points", metric="bleu"),)


def _of_one(item: Graded) -> float:
    return float(_bleu(True).sentence_score(without_thinking(item.answer), [without_thinking(item.expected)]).score)


BLEU_SCORE: Final = EvaluationMetric(
    "bleu",
    "BLEU",
    "Sequences of up to four words that the answers share with the expected outputs, 0 to 100: for translations.",
    _compute,
    unit="points",
    of_one=_of_one,
)
