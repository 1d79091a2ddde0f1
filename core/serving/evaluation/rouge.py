"""ROUGE-1, ROUGE-2 and ROUGE-L by `rouge-score`: words and pairs of words that the answer shares with the reference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from core.models.thinking import without_thinking
from core.serving.evaluation.base import EvaluationMetric, Graded, Score

_KINDS: Final = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}


@lru_cache(maxsize=1)
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # imports nltk, which takes half a second

    return RougeScorer(list(_KINDS), use_stemmer=True)


def _scores(item: Graded) -> Any:
    return _of_texts(item.expected, item.answer)


@lru_cache(maxsize=10_000)  # each answer is measured when it is stored, and for the figures of all
def _of_texts(expected: str, answer: str) -> Any:
    return _scorer().score(without_thinking(expected), without_thinking(answer))


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not graded:
        return ()
    found = [_scores(item) for item in graded]
    return tuple(
        Score(title, sum(one[kind].fmeasure for one in found) / len(found), len(found), metric="rouge")
        for kind, title in _KINDS.items()
    )


ROUGE: Final = EvaluationMetric(
    "rouge",
    "ROUGE",
    "Words, pairs of words and the longest common sequence that the answer shares with the expected output.",
    _compute,
    of_one=lambda item: float(_scores(item)["rougeL"].fmeasure),
)
