"""Tokens: how long the answers are."""

from __future__ import annotations

from typing import Final

from core.serving.evaluation.base import mean_of

TOKENS: Final = mean_of(
    "tokens",
    "Tokens per answer",
    "The mean length of an answer; shorter ones are faster and cost less.",
    lambda item: float(item.tokens) if item.tokens else None,
    unit="tokens",
    direction="lower",
    needs=("time",),
)
