"""The verdict on planted models, whose answers are drawn with known chances."""

from __future__ import annotations

import random

import pytest

from core.services.serving.evaluating.statistics import noise, paired_interval
from core.services.serving.evaluating.verdict import ComparedRuns, Judgment, judge

EXAMPLES, ITEMS = 200, 32
SUITES = ("format", "instructions", "refusals", "over_refusals", "general", "arithmetic")


def answers(draw: random.Random, chance: float, count: int) -> dict[int, float]:
    """A model that is right with this chance, whenever it is asked."""
    return {position: float(draw.random() < chance) for position in range(count)}


def verdict(
    seed: int, *, task: float, before: float = 0.5, suites: dict[str, float] | None = None, usual: float = 0.9
) -> Judgment:
    """Of a model with these chances against a parent with `before` and `usual`."""
    draw = random.Random(seed)
    guards = [
        ComparedRuns(
            suite,
            suite.title(),
            answers(draw, (suites or {}).get(suite, usual), ITEMS),
            [answers(draw, usual, ITEMS) for _ in range(3)],
            margin=0.05,
        )
        for suite in SUITES
    ]
    parent = [answers(draw, before, EXAMPLES) for _ in range(3)]
    return judge(ComparedRuns("task", "Exact match", answers(draw, task, EXAMPLES), parent), guards)


def greedy(seed: int, *, task: float, lost: dict[str, int] | None = None) -> Judgment:
    """The same with models that always answer alike: the noise is 0, and a suite loses a number of items."""
    draw = random.Random(seed)
    before = answers(draw, 0.5, EXAMPLES)
    after = {position: max(value, float(draw.random() < task)) for position, value in before.items()}
    guards = []
    for suite in SUITES:
        parent = dict.fromkeys(range(ITEMS), 1.0)
        candidate = parent | dict.fromkeys(range((lost or {}).get(suite, 0)), 0.0)
        guards.append(ComparedRuns(suite, suite.title(), candidate, [parent, parent], margin=0.05))
    return judge(ComparedRuns("task", "Exact match", after, [before, before]), guards)


def test_a_better_model_ships() -> None:
    assert [verdict(seed, task=0.8).decision for seed in range(20)] == ["ship"] * 20
    assert greedy(1, task=0.5).decision == "ship"


@pytest.mark.parametrize("broken", ["format", "over_refusals"])
def test_a_better_model_that_broke_something_does_not(broken: str) -> None:
    for seed in range(20):
        found = verdict(seed, task=0.9, suites={broken: 0.2})
        assert found.decision == "dont_ship"
        assert broken in [reason.about for reason in found.reasons if reason.ok is False]
    found = greedy(1, task=0.5, lost={broken: 2})  # 6 points: more than the margin of 5
    assert [reason.about for reason in found.reasons if reason.ok is False] == [broken]
    assert greedy(1, task=0.5, lost={broken: 1}).decision == "ship"


def test_a_model_against_itself_is_no_difference_in_20_of_20_repeats() -> None:
    assert [verdict(seed, task=0.5).decision for seed in range(20)] == ["no_difference"] * 20
    assert greedy(1, task=0.0).decision == "no_difference"


def test_a_worse_model_does_not_ship() -> None:
    found = verdict(3, task=0.2)
    assert found.decision == "dont_ship"
    assert found.reasons[0].ok is False


def test_a_metric_of_which_less_is_better() -> None:
    before = {position: 3.0 + position % 5 for position in range(100)}
    after = {position: value - 0.5 for position, value in before.items()}
    for values, decision in ((after, "ship"), ({at: value + 1 for at, value in before.items()}, "dont_ship")):
        task = ComparedRuns("task", "Perplexity", values, [before], unit="perplexity", direction="lower")
        assert judge(task, []).decision == decision


def test_the_noise_is_measured_by_repeated_runs() -> None:
    run = {0: 1.0, 1: 0.0}
    assert noise([run]) is None
    assert noise([run, run, run]) == 0
    draw = random.Random(1)
    runs = [answers(draw, 0.5, 2_000) for _ in range(3)]
    # A mean over 2,000 answers has the standard deviation 0.5 / sqrt(2,000); the mean of three runs a third of that
    # variance, and the difference the sum of both.
    assert noise(runs) == pytest.approx(3 * (4 / 3) ** 0.5 * 0.5 / 2_000**0.5, rel=0.05)


def test_the_interval_is_of_the_paired_difference() -> None:
    before = {position: float(position % 2) for position in range(100)}
    assert paired_interval(before, before) == (0, 0, 0)
    after = before | dict.fromkeys(range(0, 20, 2), 1.0)
    mean, low, high = paired_interval(before, after)
    assert mean == pytest.approx(0.1)
    assert 0.03 < low < 0.06
    assert 0.14 < high < 0.18
    assert paired_interval({}, {}) == (0, 0, 0)


def test_few_examples_are_named() -> None:
    task = ComparedRuns("task", "Exact match", {0: 1.0, 1: 1.0}, [{0: 0.0, 1: 0.0}])
    assert "Only 2 examples" in judge(task, []).reasons[0].text


def test_a_suite_that_the_parent_fails_guards_nothing_and_says_so() -> None:
    task = ComparedRuns("task", "Exact match", {0: 1.0}, [{0: 0.0}])
    none, one = dict.fromkeys(range(30), 0.0), {0: 1.0} | dict.fromkeys(range(1, 30), 0.0)
    suites = [
        ComparedRuns("format", "Format", none, [none], margin=0.05),
        ComparedRuns("general", "General questions", none, [one], margin=0.05, parent="“Last week”"),
        ComparedRuns("arithmetic", "Arithmetic", none, [one], margin=0.0),
    ]
    _, first, second, third = judge(task, suites).reasons
    assert (first.ok, first.text) == (
        None, "Format guards nothing here. The base model answers 0 of 30 correctly, so this suite cannot fall.",
    )  # fmt: skip
    assert second.ok is None
    assert "“Last week” answers 1 of 30 correctly, so this suite cannot fall by more than is allowed." in second.text
    assert third.ok is False, "a margin of 0 guards even one right answer"
