"""chrF by `sacrebleu`: character n-grams that the answers share with the references, over all answers together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from core.models.thinking import without_thinking
from core.serving.evaluation.base import EvaluationMetric, Graded, Score


@lru_cache(maxsize=1)
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not graded:
        return ()
    answers = [without_thinking(item.answer) for item in graded]
    expected = [without_thinking(item.expected) for item in graded]
    value = float(_chrf().corpus_score(answers, [expected]).score)
    return (Score("chrF", value, len(graded), "points", metric="chrf"),)


def _of_one(item: Graded) -> float:
    return float(_chrf().sentence_score(without_thinking(item.answer), [without_thinking(item.expected)]).score)


CHRF: Final = EvaluationMetric(
    "chrf",
    "chrF",
    "Pieces of words that the answers share with the expected outputs, 0 to 100: for texts that may be worded freely.",
    _compute,
    unit="points",
    of_one=_of_one,
)
