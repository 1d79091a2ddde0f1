"""How many examples go through the model at once: the first steps of a run try several sizes, the rest use the fastest.

The result of a step does not depend on it, up to rounding: its loss is the mean over all answer tokens of the step,
however they are divided (`worker.training.batches`). Which sizes fit in memory is decided before launch
(`ResolvedTraining.batch_sizes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

ROUNDS: Final = 2  # steps per size, in rising and then in falling order, so that a drift of the machine cancels out
GAIN: Final = 1.03  # a larger size must be faster by this factor: it takes more memory


class BatchTrial:
    """The sizes, and what each took. One size is not tried. `totals` and `restore` continue a trial after a resume.

    Args:
        sizes: examples at once, smallest first.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self.chosen = self.sizes[0] if len(self.sizes) == 1 else 0  # 0: not decided yet
        # the first step warms up and is not counted
        self._order = [self.sizes[0], *self.sizes, *reversed(self.sizes)][: 1 + ROUNDS * len(self.sizes)]
        self._measured: list[tuple[int, float]] = []  # tokens and seconds of each step

    @property
    def current(self) -> int:
        """The size of the next step."""
        return self.chosen or self._order[len(self._measured)]

    def measured(self, tokens: int, seconds: float) -> bool:
        """Record a step of the current size; True if that decided which is fastest."""
        if self.chosen:
            return False
        self._measured.append((tokens, seconds))
        if len(self._measured) < len(self._order):
            return False
        rates, best = self.rates, self.sizes[0]
        for size in self.sizes[1:]:
            if rates[size] > GAIN * rates[best]:
                best = size
        self.chosen = best
        return True

    @property
    def rates(self) -> dict[int, float]:
        """Tokens per second of each size that was tried, the first step aside."""
        found: dict[int, float] = {}
        for size in self.sizes:
            own = [step for at, step in zip(self._order[1:], self._measured[1:], strict=False) if at == size]
            if own:
                found[size] = sum(tokens for tokens, _ in own) / max(sum(seconds for _, seconds in own), 1e-9)
        return found

    def totals(self) -> dict[str, Any]:
        """The state that a checkpoint stores, as plain data."""
        return {"sizes": list(self.sizes), "chosen": self.chosen, "measured": [list(step) for step in self._measured]}

    def restore(self, totals: dict[str, Any]) -> None:
        """Continue from a checkpoint; one of other sizes (another device, an earlier release) is not used."""
        if list(self.sizes) == totals.get("sizes"):
            self.chosen = int(totals["chosen"])
            self._measured = [(int(tokens), float(seconds)) for tokens, seconds in totals["measured"]]
