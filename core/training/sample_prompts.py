"""Which examples a run answers as samples, how many tokens an answer may have, and how fast they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

MAX_NEW_TOKENS: Final = 64  # of an answer; a sample takes as long as its longest answer
MORE: Final = 8  # tokens beyond the longest expected answer: enough to see if a model does not stop

Item = TypeVar("Item")
SampleSplit = Literal["validation", "train"]  # never the test split: it is for the end alone


@dataclass(frozen=True, slots=True)
class AnswerSpeed:
    """Seconds until the first token of the answers to a few prompts at once, and for each further token."""

    first_s: float
    token_s: float

    def seconds(self, tokens: int) -> float:
        """Of answers with so many tokens."""
        return self.first_s + max(0, tokens - 1) * self.token_s


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of them at even distances, in an order that covers the range before it returns neighbors."""
    if not items or not count:
        return []
    stride = max(1, len(items) // count)
    chosen = list(items[::stride])[:count]
    return [item for start in range(4) for item in chosen[start::4]]


def candidates(items: Sequence[Item], answers: int) -> list[Item]:
    """The examples to choose `answers` samples from, the first ones first: some of them may be refused or too long."""
    return spread(items, 4 * answers)


def shares(validation: int, train: int, answers: int) -> tuple[tuple[SampleSplit, int], ...]:
    """How many of `answers` sample inputs come from each split.

    One of them was trained on, so that a model that repeats its examples and one that learned their pattern look
    different; the others are held out. Without validation examples all are training examples.

    Args:
        validation, train: how many examples the split has.
    """
    if not validation:
        return (("train", answers),)
    trained = min(train, 1) if answers > 1 else 0
    return (("validation", answers - trained), *((("train", trained),) if trained else ()))


def answer_limit(expected: int) -> int:
    """How many tokens an answer may have where the longest expected one has `expected`."""
    return min(MAX_NEW_TOKENS, expected + MORE)
