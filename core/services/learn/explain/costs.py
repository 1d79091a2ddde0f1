"""Tokens per call: what instructions and retrieved passages cost each time, and what tuning saves."""

from __future__ import annotations

from dataclasses import dataclass

DAYS_PER_MONTH = 30


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One way to get an answer. All counts are tokens per call."""

    title: str
    tuned: bool
    instructions: int
    passages: int
    question: int
    answer: int

    @property
    def per_call(self) -> int:
        return self.instructions + self.passages + self.question + self.answer

    def per_month(self, calls_per_day: int) -> int:
        """Tokens in a month of 30 days."""
        return self.per_call * calls_per_day * DAYS_PER_MONTH


def arrangements(
    *, instructions: int, question: int, answer: int, passages: int = 0, passage_tokens: int = 0
) -> list[Arrangement]:
    """The ways to answer one question, in tokens per call.

    Without passages: a base model with instructions, and a tuned one without. With passages: both also with retrieval.

    Args:
        instructions: tokens of the instructions and sample answers sent to a base model in every call.
        question: tokens of the input.
        answer: tokens of the output.
        passages: how many retrieved passages go into a call.
        passage_tokens: tokens of one passage.
    """
    retrieved = passages * passage_tokens
    ways = (
        Arrangement("Base, with instructions", False, instructions, 0, question, answer),
        Arrangement("Base model with instructions and retrieval", False, instructions, retrieved, question, answer),
        Arrangement("Tuned", True, 0, 0, question, answer),
        Arrangement("Tuned, with retrieval", True, 0, retrieved, question, answer),
    )
    return list(ways if retrieved else ways[::2])
