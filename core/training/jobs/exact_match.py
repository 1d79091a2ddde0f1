"""The one rule by which an answer counts as exact: in evaluation, on the command line and on the screens."""

from __future__ import annotations


def matches(answer: str, expected: str) -> bool:
    """Whether an answer is exactly the expected text; blanks around it do not count, all else does."""
    return answer.strip() == expected.strip()
