"""Exact match: the answer is the expected text."""

from __future__ import annotations

from typing import Final

from core.models.thinking import matches
from core.serving.evaluation.base import mean_of

EXACT_MATCH: Final = mean_of(
    "exact_match",
    "Exact match",
    "The answer is the expected text, apart from whitespace around it.",
    lambda item: float(matches(item.answer, item.expected)),
    counts=True,
)
