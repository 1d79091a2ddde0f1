"""When a run validates, saves and answers, by a clock that the test moves."""

from __future__ import annotations

import pytest

from core.training.cadence import LOSSES_LEAST_S, SHARES, TOTAL_SHARE, Kind, TimeBudget, times
from core.training.metrics import Point


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Simulated:
    """A run of steps that take `step_s` each, with the work that the budget allows in between."""

    def __init__(self, steps: int, step_s: float, costs: dict[Kind, float], chosen: tuple[Kind, ...] = ()) -> None:
        self.steps, self.step_s, self.costs = steps, step_s, costs
        self.clock = Clock()
        self.budget = TimeBudget(steps, chosen=chosen, clock=self.clock)
        self.done: dict[str, list[int]] = {kind: [] for kind in costs}

    def go(self, first: int = 1, last: int | None = None) -> Simulated:
        if first == 1 and "samples" in self.costs:
            self._do("samples", 0)
        for step in range(first, (last or self.steps) + 1):
            self.budget.step_done(step, step * self.step_s)
            for kind in self.costs:
                if self.budget.due(kind, max(1, self.steps // 20)) or step == self.steps:
                    self._do(kind, step)
        return self

    def _do(self, kind: Kind, step: int) -> None:
        with self.budget.spending(kind):
            self.clock.now += self.costs[kind]
        self.done[kind].append(step)


@pytest.mark.parametrize("steps", [26, 250, 5_000])
@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0])
def test_everything_together_takes_its_share_at_most(steps: int, scale: float) -> None:
    """Costs from small to so large that there is time for little but the certain ones."""
    whole = 10.0 * steps
    costs: dict[Kind, float] = {kind: scale * share * whole / 10 for kind, share in SHARES.items()}
    run = Simulated(steps, 10.0, costs).go()
    assert run.budget.spent_s <= TOTAL_SHARE * whole
    assert all(done[-1] == steps for done in run.done.values()), "the end is certain"
    assert all(len(done) <= 27 for done in run.done.values())


def test_a_costly_kind_is_done_at_even_distances_and_a_cheap_one_twenty_times() -> None:
    run = Simulated(200, 1.0, {"validation": 2.8, "checkpoint": 0.01}).go()
    assert run.done["validation"] == [10, 80, 120, 160, 200]  # the first is before its cost is known
    assert run.done["checkpoint"] == list(range(10, 201, 10))


def test_an_expected_cost_counts_until_it_is_measured() -> None:
    run = Simulated(200, 1.0, {"validation": 2.8})
    run.budget.expect("validation", 2.8)
    assert run.go().done["validation"] == [40, 80, 120, 160, 200]


def test_a_cadence_that_the_user_chose_takes_nothing_from_the_others() -> None:
    budget = Simulated(100, 1.0, {"validation": 50.0}, chosen=("validation",)).go().budget
    assert budget.spent_s == 0.0
    assert budget.all_spent_s >= 50.0
    assert budget.affords("checkpoint")


def test_the_end_is_paid_for_in_advance() -> None:
    budget = TimeBudget(100)
    budget.expect("samples", 14.0)  # of 15 s for everything
    budget.expect("validation", 0.9)
    budget.step_done(50, 50.0)
    assert not budget.affords("validation"), "one now and one at the end would be too much"
    budget.expect("samples", 1.0)
    assert budget.affords("validation")
    assert not budget.affords("validation", then=["checkpoint"]) or budget.cost("checkpoint") == 0
    budget.expect("checkpoint", 13.0)
    assert not budget.affords("validation", then=["checkpoint"])


def test_a_long_run_saves_by_the_clock_and_not_only_by_steps() -> None:
    budget = TimeBudget(10_000)
    budget.expect("checkpoint", 0.5)
    budget.step_done(60, 590.0)
    assert not budget.due("checkpoint", every=500, within_s=600.0)
    budget.step_done(61, 600.0)
    assert budget.due("checkpoint", every=500, within_s=600.0)


def test_a_resumed_run_continues_the_cadence() -> None:
    costs: dict[Kind, float] = {"validation": 2.8, "checkpoint": 0.4}
    whole = Simulated(200, 1.0, costs).go()
    first = Simulated(200, 1.0, costs).go(last=97)
    second = Simulated(200, 1.0, costs)
    second.budget.restore(first.budget.totals(), 97, 97.0)
    second.go(first=98)
    assert {kind: first.done[kind] + second.done[kind] for kind in costs} == whole.done
    TimeBudget(200).restore({}, 97, 97.0)  # a checkpoint of an earlier release


def test_the_losses_by_example_get_what_is_left() -> None:
    run = Simulated(100, 1.0, {"validation": 1.0}).go()
    assert run.budget.left_s == pytest.approx(13.0 - len(run.done["validation"]))
    assert TimeBudget(1).left_s == LOSSES_LEAST_S


def test_a_validation_is_smaller_if_more_are_needed() -> None:
    budget = TimeBudget(100)
    budget.step_done(10, 100.0)  # 1,000 s in all
    assert budget.most_of_a_validation_s(chooses=False) == pytest.approx(70 / 3)
    assert budget.most_of_a_validation_s(chooses=True) == pytest.approx(7)


def test_how_often_before_launch() -> None:
    assert [times("validation", 1_000, cost) for cost in (0, 1, 10, 30, 500)] == [20, 20, 7, 3, 1]


def test_a_validation_on_a_part_of_the_examples_says_so() -> None:
    measured = {"loss": 1.0, "validation_examples": 12.0, "validation_of": 1_200.0}
    assert Point.of("validation", 5, measured).part == "12 of 1,200 examples"
    assert Point.of("validation", 5, measured | {"validation_of": 12.0}).part == ""
    assert Point.of("train", 5, {"loss": 1.0}).part == ""
