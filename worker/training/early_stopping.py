"""The validation losses of a run: which step had the lowest, and whether to stop waiting for a lower one.

These are separate: for the best checkpoint, any lower loss counts. For patience, only a loss more than
`min_improvement` below the last improvement counts.
Source: Prechelt 1998, "Early Stopping - But When?"; patience and minimum improvement as in transformers'
EarlyStoppingCallback.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Best:
    """The step with the lowest validation loss so far; `loss` is the training loss of that step."""

    step: int
    validation_loss: float
    loss: float | None


class Improvement:
    """The improvement over the evaluations of one run. `totals` and `restore` continue it after a resume.

    Args:
        patience: the run stops after this many evaluations in a row without an improvement; 0 never stops it.
        min_improvement: how much lower a loss must be to count as an improvement.
    """

    def __init__(self, patience: int = 0, min_improvement: float = 0.0) -> None:
        self.patience, self.min_improvement = patience, min_improvement
        self.best: Best | None = None
        self.waited = 0
        self._mark: float | None = None

    def measured(self, step: int, validation_loss: float, loss: float | None) -> bool:
        """Record one evaluation; True if its loss is the lowest so far."""
        if self._mark is None or validation_loss < self._mark - self.min_improvement:
            self._mark, self.waited = validation_loss, 0
        else:
            self.waited += 1
        if self.best is not None and validation_loss >= self.best.validation_loss:
            return False
        self.best = Best(step, validation_loss, loss)
        return True

    @property
    def exhausted(self) -> bool:
        """Whether the patience is exhausted."""
        return 0 < self.patience <= self.waited

    def totals(self) -> dict[str, Any]:
        """The state that a checkpoint stores, as plain data."""
        return {"best": asdict(self.best) if self.best else None, "waited": self.waited, "mark": self._mark}

    def restore(self, totals: dict[str, Any]) -> None:
        """Continue from a checkpoint; one from an earlier release has no state."""
        best = totals.get("best")
        self.best = Best(**best) if best else None
        self.waited, self._mark = int(totals.get("waited", 0)), totals.get("mark")
