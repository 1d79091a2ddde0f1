"""How often a run validates, writes a checkpoint and answers its sample inputs if *auto* decides: as often as a share
of its time allows.

    budget = TimeBudget(total_steps=26)
    budget.step_done(1, 9.6)              # after every step: how many, and the seconds in all of them
    if budget.due("validation", every=1):
        with budget.spending("validation"):
            ...

A kind of work is done when what it took so far and one more time fit into its share of the time in steps so far, and
everything together, with the last time of each kind, fits into TOTAL_SHARE of the time that all steps will take. So the
bound holds at every moment, and the end is always paid for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

Kind = Literal["validation", "checkpoint", "samples"]
# Shares of the time in steps. The loss of every example, at the end, may take what is left of the total.
SHARES: Final[dict[Kind, float]] = {"validation": 0.07, "checkpoint": 0.02, "samples": 0.03}
TOTAL_SHARE: Final = 0.13
LOSSES_LEAST_S: Final = (
    2.0  # the losses by example may always take this long: a run of a few seconds measures them, too
)
LONGEST_S: Final = 600.0  # seconds in steps between two checkpoints, if they can be paid for: what a crash may cost
PARTS_OF_A_RUN: Final = 20  # most validations, and sample answers, of a run; checkpoints follow LONGEST_S, too
# A validation takes at most this part of its share, so that a run has so many of them; early stopping and the best
# checkpoint choose among them and need more.
ROUNDS: Final = 3
ROUNDS_TO_CHOOSE: Final = 10
LEAST_EXAMPLES: Final = 8  # of a validation, if there are so many
UNCAPPED_S: Final = 0.5  # a validation that takes no longer always uses every example


class TimeBudget:
    """What the work between the steps of one run took so far, and whether it may be done now.

    Args:
        total_steps: of the run.
        chosen: kinds whose cadence the user chose: they are obeyed, and their time is not counted.
        clock: seconds that only grow.
    """

    def __init__(
        self, total_steps: int, *, chosen: Collection[Kind] = (), clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.total_steps, self.chosen, self.clock = max(total_steps, 1), frozenset(chosen), clock
        self.step, self.steps_s = 0, 0.0
        self._spent: dict[str, float] = {}
        self._times: dict[str, int] = {}
        self._last: dict[str, tuple[int, float]] = {}  # kind -> step, and seconds in steps, when it was last done
        self._expected: dict[str, float] = {}

    def step_done(self, step: int, steps_s: float) -> None:
        """Record that a step was done, and the seconds in all steps so far."""
        self.step, self.steps_s = step, steps_s

    def expect(self, kind: Kind, seconds: float) -> None:
        """What one time will probably take; used until it was measured."""
        self._expected[kind] = seconds

    @contextmanager
    def spending(self, kind: Kind) -> Iterator[None]:
        """Measure what the work inside takes."""
        self._last[kind] = self.step, self.steps_s
        began = self.clock()
        try:
            yield
        finally:
            self._spent[kind] = self._spent.get(kind, 0.0) + self.clock() - began
            self._times[kind] = self._times.get(kind, 0) + 1

    def cost(self, kind: Kind) -> float:
        """Seconds of one time: the mean of those measured, or what is expected."""
        if times := self._times.get(kind):
            return self._spent[kind] / times
        return self._expected.get(kind, 0.0)

    def measured(self, kind: Kind) -> bool:
        """Whether it was done at least once."""
        return kind in self._times

    def due(self, kind: Kind, every: int, *, within_s: float = float("inf"), then: Collection[Kind] = ()) -> bool:
        """Whether to do it after this step.

        Args:
            every: at least so many steps after the last time; or `within_s` seconds in steps, whatever is sooner.
            then: other work that it may cause.
        """
        step, seconds = self._last.get(kind, (0, 0.0))
        if self.step - step < every and self.steps_s - seconds < within_s:
            return False
        return self.affords(kind, then=then)

    def affords(self, kind: Kind, *, then: Collection[Kind] = ()) -> bool:
        """Whether one more time fits into the share of its kind, and into what everything may take."""
        once = self.cost(kind)
        if self._spent.get(kind, 0.0) + once > SHARES[kind] * self.steps_s:
            return False
        once += sum(self.cost(other) for other in then)
        last_round = sum(self.cost(other) for other in SHARES if other not in self.chosen)
        return self.spent_s + once + last_round <= TOTAL_SHARE * self.expected_s

    @property
    def spent_s(self) -> float:
        """Seconds that all kinds took, except those with a chosen cadence."""
        return sum(seconds for kind, seconds in self._spent.items() if kind not in self.chosen)

    @property
    def all_spent_s(self) -> float:
        """Seconds that all kinds took, those with a chosen cadence included."""
        return sum(self._spent.values())

    @property
    def expected_s(self) -> float:
        """Seconds that all steps of the run will take, at the mean so far."""
        return self.steps_s / self.step * max(self.total_steps, self.step) if self.step else 0.0

    @property
    def left_s(self) -> float:
        """Seconds that are left for the losses by example after the last step."""
        return max(LOSSES_LEAST_S, TOTAL_SHARE * self.steps_s - self.spent_s)

    def most_of_a_validation_s(self, *, chooses: bool) -> float:
        """Seconds that one validation may take; `chooses`: early stopping or the best checkpoint depends on it."""
        rounds = ROUNDS_TO_CHOOSE if chooses else ROUNDS
        return max(UNCAPPED_S, SHARES["validation"] * self.expected_s / rounds)

    def totals(self) -> dict[str, Any]:
        """The state that a checkpoint stores, as plain data."""
        return {
            "spent": dict(self._spent),
            "times": dict(self._times),
            "last": {k: list(v) for k, v in self._last.items()},
        }

    def restore(self, totals: dict[str, Any], step: int, steps_s: float) -> None:
        """Continue from a checkpoint of a step; one from an earlier release has no state."""
        self.step_done(step, steps_s)
        self._spent, self._times = dict(totals.get("spent", {})), dict(totals.get("times", {}))
        self._last = {kind: (int(at), float(seconds)) for kind, (at, seconds) in totals.get("last", {}).items()}


def times(kind: Kind, steps_s: float, cost_s: float, most: int = PARTS_OF_A_RUN) -> int:
    """How often a kind of work is done in a run whose steps take `steps_s`, the last time, included."""
    if cost_s <= 0:
        return most
    return max(1, min(most, math.ceil(SHARES[kind] * steps_s / cost_s)))
