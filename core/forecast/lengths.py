"""How long examples are in tokens, and what a maximum length would cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.messages import Message

CHARS_PER_TOKEN: Final = 4  # Source: the usual estimate for English text where no tokenizer is chosen
TOKENS_PER_TURN: Final = 4  # role markers of common chat templates

Span = tuple[int, int]  # tokens of the whole example, index of the first token that carries loss


@dataclass(frozen=True, slots=True)
class Lengths:
    """Token lengths of a training split.

    `spans` holds (length, start of the first output) per example seen; `examples` counts all of them, so a sample is
    scaled up. `exact` is True when the base model's own tokenizer and chat template counted every example. `ceiling` is
    a length that no example exceeds, None where that is not known: an estimate is too short for one or another
    tokenizer, and a maximum length made from it would cut answers off.
    """

    spans: tuple[Span, ...]
    examples: int
    exact: bool
    ceiling: int | None = None

    @property
    def total_tokens(self) -> int:
        """Tokens of one epoch, before anything is cut off."""
        return self._scaled(sum(length for length, _ in self.spans))

    @property
    def longest(self) -> int:
        return max((length for length, _ in self.spans), default=0)

    def tokens_within(self, limit: int) -> int:
        """Tokens of one epoch when examples are cut at `limit`."""
        return self._scaled(sum(min(length, limit) for length, _ in self.spans))

    def over(self, limit: int) -> int:
        """How many examples are longer than `limit` tokens."""
        return self._scaled(sum(length > limit for length, _ in self.spans))

    def answers_lost(self, limit: int) -> int:
        """How many examples would lose their whole answer: no token of it stands before `limit`."""
        return self._scaled(sum(start >= limit for _, start in self.spans))

    def _scaled(self, count: int) -> int:
        return round(count * self.examples / len(self.spans)) if self.spans else 0


def most_tokens(messages: Sequence[Message]) -> int:
    """A length that a conversation has at most: a token is at least one byte of text, or a marker."""
    return sum(len(message.content.encode()) + 2 * TOKENS_PER_TURN for message in messages)


def estimate_span(messages: Sequence[Message]) -> Span:
    """A span by characters / 4, for when no tokenizer is here."""
    total = 0
    start: int | None = None
    for message in messages:
        if message.role == "assistant" and message.weight != 0 and start is None:
            start = total + TOKENS_PER_TURN
        total += -(-len(message.content) // CHARS_PER_TOKEN) + TOKENS_PER_TURN
    return total, total if start is None else start
