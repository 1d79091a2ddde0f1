"""Whether the training loss runs away without becoming NaN.

The loss is smoothed (a running mean over about 10 steps, its start corrected), because single batches jump. A step is
*suspect* while the smoothed loss is

- above twice where the run began (the mean of its first 20 steps): the model knows less than before; or
- above 1.5 times ln(vocabulary), the loss of a model that only guesses, where the first loss was not: this finds a run
  that falls apart within its first steps; or
- above 4 times its minimum and more than half of the way back to where it began: most of what was learnt is lost. The
  factor 4 is the one at which fast.ai's and Lightning's learning-rate finders call a loss diverged; the second half of
  the rule keeps a run that has learnt everything (0.01, then 0.05) from being taken for one that falls apart.

A run diverges when it is suspect for `PATIENCE` steps in a row (or a fiftieth of the run, where that is more): a spike
that the model recovers from is no divergence. Below 20 steps nothing is judged.

With 2 short and long examples to a step the raw loss varies by about 40 % of its mean. Smoothed like this that is 9 %,
and 9 % for the mean of the first 20 steps; twice the start lies far beyond both together, and it has to last.
"""

from __future__ import annotations

import math
from typing import Any, Final

from core.errors import Diverged

WEIGHT: Final = 0.9  # of the past in the running mean
FIRST_STEPS: Final = 20  # their mean is where the run began
FEW_STEPS: Final = 5  # fewer are no mean: one easy batch would stand as the minimum for ever
PATIENCE: Final = 20  # suspect steps in a row
ABOVE_START: Final = 2.0
ABOVE_GUESSING: Final = 1.5
GOOD_BELOW: Final = 1.25  # times the minimum: the loss begins to climb before a step is suspect
ABOVE_MINIMUM: Final = 4.0  # Source: fast.ai LRFinder; Lightning's lr_find, early_stop_threshold=4.0


class Divergence:
    """Watches the losses of one run. `totals` and `restore` carry it over a resume.

    `good_step` is the last checkpoint that was saved while the loss was near its minimum: where to go back to.
    """

    def __init__(self, total_steps: int, vocab_size: int) -> None:
        self.guessing = math.log(vocab_size)
        self.patience = max(PATIENCE, total_steps // 50)
        self.steps = 0
        self.first = self.start = 0.0
        self.minimum = float("inf")
        self.suspect_for = 0
        self.good_step = 0
        self._mean = 0.0

    @property
    def smoothed(self) -> float:
        """The running mean of the loss, its start corrected (Kingma & Ba 2015, section 3)."""
        return self._mean / (1 - WEIGHT**self.steps) if self.steps else 0.0

    @property
    def diverged(self) -> bool:
        return self.suspect_for >= self.patience

    def measured(self, loss: float) -> None:
        """Take the loss of one step in."""
        self.steps += 1
        self._mean = WEIGHT * self._mean + (1 - WEIGHT) * loss
        if self.steps <= FIRST_STEPS:
            self.start += (loss - self.start) / self.steps
        self.first = loss if self.steps == 1 else self.first
        if self.steps >= FEW_STEPS:
            self.minimum = min(self.minimum, self.smoothed)
        self.suspect_for = self.suspect_for + 1 if self._is_suspect() else 0

    def saving(self, step: int) -> None:
        """A checkpoint of this step is about to be written."""
        if not self.suspect_for and self.smoothed <= GOOD_BELOW * self.minimum:
            self.good_step = step

    def _is_suspect(self) -> bool:
        if self.steps <= FIRST_STEPS:
            return False
        if self.smoothed > ABOVE_START * self.start:
            return True
        if self.smoothed > ABOVE_GUESSING * self.guessing >= self.first:
            return True
        halfway = self.minimum + (self.start - self.minimum) / 2
        return self.smoothed > max(ABOVE_MINIMUM * self.minimum, halfway)

    _KEPT = ("steps", "first", "start", "minimum", "suspect_for", "good_step", "_mean")

    def totals(self) -> dict[str, Any]:
        """What a checkpoint remembers of this, as plain data."""
        return {name.strip("_"): getattr(self, name) for name in self._KEPT} if self.steps else {}

    def restore(self, totals: dict[str, Any]) -> None:
        """Go on where the checkpoint was; one of an earlier release remembers nothing."""
        for name in self._KEPT:
            if name.strip("_") in totals:
                setattr(self, name, totals[name.strip("_")])

    def error(self, step: int, learning_rate: float) -> Diverged:
        """What to tell a person, with the numbers."""
        return Diverged(
            f"The training loss ran away: {self.smoothed:.3g} (mean of the last steps) at step {step:,}, after "
            f"{self.suspect_for} such steps in a row. It began at {self.start:.3g} and was {self.minimum:.3g} at its "
            f"lowest. The learning rate was {learning_rate:g}.",
            remedy(learning_rate),
        )


def not_finite(what: str, value: float, step: int, learning_rate: float) -> Diverged:
    """The error for a loss or a gradient that is no number."""
    return Diverged(
        f"The {what} became {value} at step {step:,}. The learning rate was {learning_rate:g}.", remedy(learning_rate)
    )


def remedy(learning_rate: float) -> str:
    """What helps against a loss that runs away."""
    return (
        f"Start a new job with a tenth of the learning rate ({learning_rate / 10:.2g} instead of {learning_rate:g}), "
        "or with more warm-up. The last good checkpoint is kept; its model can be kept too."
    )
