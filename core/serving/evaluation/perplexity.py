"""Perplexity: how surprised the model is by the expected outputs, from the log-probabilities of their tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from core.serving.evaluation.base import EvaluationMetric, Graded, Score

_LARGEST: Final = 700.0  # exp() of more is infinite


def _of(logprob: float, tokens: int) -> float:
    return math.exp(min(-logprob / tokens, _LARGEST))


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    known = [(item.logprob, item.expected_tokens) for item in graded if item.logprob is not None]
    total, tokens = sum(one for one, _ in known), sum(count for _, count in known)
    if not tokens:
        return ()
    value = _of(total, tokens)
    return (Score("Perplexity", value, len(known), "perplexity", direction="lower", metric="perplexity"),)


def _of_one(item: Graded) -> float | None:
    return None if item.logprob is None or not item.expected_tokens else _of(item.logprob, item.expected_tokens)


PERPLEXITY: Final = EvaluationMetric(
    "perplexity",
    "Perplexity",
    "How surprised the model is by the expected outputs: 1 is not at all. Only models of this studio can be measured.",
    _compute,
    "lower",
    ("reference", "logprobs"),
    "perplexity",
    _of_one,
    default=False,
)
