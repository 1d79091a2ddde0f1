"""The validation losses of a run: which step had the lowest, and whether waiting for a lower one is over.

Two questions, two memories. *Lowest* is the checkpoint to keep: any lower loss counts. *Patience* asks whether the loss
still falls: only what lies more than `min_improvement` below the last real improvement counts.
Source: Prechelt 1998, "Early Stopping - But When?"; patience and minimum improvement as transformers'
EarlyStoppingCallback has them.
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
    """What the evaluations of one run have shown. `totals` and `restore` carry it over a resume.

    Args:
        patience: evaluations in a row without an improvement after which the run stops; 0 never stops it.
        min_improvement: how much lower a loss must be to count as an improvement.
    """

    def __init__(self, patience: int = 0, min_improvement: float = 0.0) -> None:
        self.patience, self.min_improvement = patience, min_improvement
        self.best: Best | None = None
        self.waited = 0
        self._mark: float | None = None

    def measured(self, step: int, validation_loss: float, loss: float | None) -> bool:
        """Take one evaluation in; True when its loss is the lowest so far."""
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
        """Whether patience is over."""
        return 0 < self.patience <= self.waited

    def totals(self) -> dict[str, Any]:
        """What a checkpoint remembers of this, as plain data."""
        return {"best": asdict(self.best) if self.best else None, "waited": self.waited, "mark": self._mark}

    def restore(self, totals: dict[str, Any]) -> None:
        """Go on where the checkpoint was; one of an earlier release remembers nothing."""
        found = totals.get("best")
        self.best = Best(**found) if found else None
        self.waited, self._mark = int(totals.get("waited", 0)), totals.get("mark")
