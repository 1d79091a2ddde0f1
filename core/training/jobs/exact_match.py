"""The rule by which an answer counts as exact, in evaluation, on the command line and on the screens."""

from __future__ import annotations

from core.models.thinking import without_thinking


def matches(answer: str, expected: str) -> bool:
    """Whether an answer is exactly the expected text, apart from whitespace around it and its thinking."""
    return without_thinking(answer).strip() == without_thinking(expected).strip()
