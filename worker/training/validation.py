"""The validation examples of a run, and how many of them each validation uses.

If a complete validation would take more than its part of the run's time (`core.training.cadence`), every validation of
the run uses the same examples, drawn at random by the seed, so that its losses can be compared.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from core.training.cadence import LEAST_EXAMPLES
from worker.training.data import Tokenized


class ValidationSet:
    """The examples in a seeded order, of which the first `used` are measured; 0 until that is decided."""

    def __init__(self, items: Sequence[Tokenized], seed: int, *, complete: bool) -> None:
        order = list(range(len(items)))
        random.Random(seed).shuffle(order)  # noqa: S311  a seeded order, not a secret
        self._items, self._order = items, order
        self.used = len(items) if complete else 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def tokens(self) -> int:
        """Non-pad tokens of one validation."""
        return sum(len(self._items[index].input_ids) for index in self._order[: self.used])

    def decide(self, tokens: float) -> None:
        """Use as many examples as have this many tokens, at least LEAST_EXAMPLES."""
        used, total = 0, 0
        for index in self._order:
            total += len(self._items[index].input_ids)
            if total > tokens and used >= LEAST_EXAMPLES:
                break
            used += 1
        self.used = used

    def chosen(self) -> list[Tokenized]:
        """The examples to measure, in the dataset's order."""
        return [self._items[index] for index in sorted(self._order[: self.used or len(self._order)])]
