"""Detect a training loss that diverges without becoming NaN.

The loss is smoothed (a bias-corrected running mean over about 10 steps), because single batches vary. A step is
*suspect* while the smoothed loss is

- above twice its start (the mean of the first 20 steps): the model is worse than before; or
- above 1.5 times ln(vocabulary), the loss of random guessing, if the first loss was not: this detects a run that
  diverges within its first steps; or
- above 4 times its minimum and more than halfway back to its start: most of what was learned is lost. The factor 4 is
  the one at which fast.ai's and Lightning's learning-rate finders call a loss diverged; the second half of the rule
  exempts a run that has learned everything (0.01, then 0.05).

A run diverges when it is suspect for `PATIENCE` steps in a row (or a fiftieth of the run, if that is more): a spike
from which the model recovers is not a divergence. The first 20 steps are not judged.

With 2 short and long examples per step the raw loss varies by about 40 % of its mean. Smoothed, it varies by 9 %, and
the mean of the first 20 steps by another 9 %; twice the start is far beyond both together, and it has to persist.
"""

from __future__ import annotations

import math
from typing import Any, Final

from core.errors import Diverged

WEIGHT: Final = 0.9  # of the past in the running mean
FIRST_STEPS: Final = 20  # their mean is the start
FEW_STEPS: Final = 5  # with fewer, one easy batch would set the minimum for good
PATIENCE: Final = 20  # suspect steps in a row
ABOVE_START: Final = 2.0
ABOVE_GUESSING: Final = 1.5
GOOD_BELOW: Final = 1.25  # times the minimum: the loss starts to climb before a step is suspect
ABOVE_MINIMUM: Final = 4.0  # Source: fast.ai LRFinder; Lightning's lr_find, early_stop_threshold=4.0


class Divergence:
    """Watches the losses of one run. `totals` and `restore` continue it after a resume.

    `good_step` is the last checkpoint that was saved while the loss was near its minimum.
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
        """The bias-corrected running mean of the loss (Kingma & Ba 2015, section 3)."""
        return self._mean / (1 - WEIGHT**self.steps) if self.steps else 0.0

    @property
    def diverged(self) -> bool:
        return self.suspect_for >= self.patience

    def measured(self, loss: float) -> None:
        """Record the loss of one step."""
        self.steps += 1
        self._mean = WEIGHT * self._mean + (1 - WEIGHT) * loss
        if self.steps <= FIRST_STEPS:
            self.start += (loss - self.start) / self.steps
        self.first = loss if self.steps == 1 else self.first
        if self.steps >= FEW_STEPS:
            self.minimum = min(self.minimum, self.smoothed)
        self.suspect_for = self.suspect_for + 1 if self._is_suspect() else 0

    def saving(self, step: int) -> None:
        """Record that a checkpoint of this step is about to be written."""
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

    _STATE = ("steps", "first", "start", "minimum", "suspect_for", "good_step", "_mean")

    def totals(self) -> dict[str, Any]:
        """The state that a checkpoint stores, as plain data."""
        return {name.strip("_"): getattr(self, name) for name in self._STATE} if self.steps else {}

    def restore(self, totals: dict[str, Any]) -> None:
        """Continue from a checkpoint; one from an earlier release has no state."""
        for name in self._STATE:
            if name.strip("_") in totals:
                setattr(self, name, totals[name.strip("_")])

    def error(self, step: int, learning_rate: float) -> Diverged:
        """The error for the user, with the numbers."""
        return Diverged(
            f"The training loss diverged: {self.smoothed:.3g} (mean of the last steps) at step {step:,}, the last of "
            f"{self.suspect_for} such steps in a row. It started at {self.start:.3g}, and its lowest value was "
            f"{self.minimum:.3g}. The learning rate was {learning_rate:g}.",
            remedy(learning_rate),
        )


def not_finite(what: str, value: float, step: int, learning_rate: float) -> Diverged:
    """The error for a loss or a gradient that is NaN or infinite."""
    return Diverged(
        f"The {what} became {value} at step {step:,}. The learning rate was {learning_rate:g}.", remedy(learning_rate)
    )


def remedy(learning_rate: float) -> str:
    """What helps against a diverging loss."""
    return (
        f"Start a new job with a tenth of the learning rate ({learning_rate / 10:.2g} instead of {learning_rate:g}), "
        "or with more warm-up. The last good checkpoint is saved; you can create a model from it."
    )
