"""Token F1 as in SQuAD: how many words the answer shares with the expected output.

Source of the normalization: the evaluation script of SQuAD 1.1 (lower case; without punctuation, articles and extra
spaces).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import Final

from core.models.thinking import without_thinking
from core.serving.evaluation.base import Graded, mean_of

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def normalized(text: str) -> str:
    """A text as SQuAD compares it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def f1(answer: str, expected: str) -> float:
    """The harmonic mean of precision and recall of the words; 1 where neither text has any."""
    given, wanted = normalized(answer).split(), normalized(expected).split()
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted))


def _of_one(item: Graded) -> float:
    return f1(without_thinking(item.answer), without_thinking(item.expected))


TOKEN_F1: Final = mean_of(
    "token_f1",
    "Token F1",
    "The words that the answer shares with the expected output: 1 if they are the same, 0 if none is.",
    _of_one,
)
