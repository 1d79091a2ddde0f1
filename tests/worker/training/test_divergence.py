"""A diverging loss is distinguished from a noisy one, a flat one, and one near zero."""

from __future__ import annotations

import json
import math
import random

import pytest

from worker.training.divergence import FIRST_STEPS, PATIENCE, Divergence

VOCABULARY = 32_000  # a model that guesses has a loss of 10.4


def step_of_divergence(losses: list[float], total: int = 400) -> int | None:
    """The step at which the run would be stopped."""
    watch = Divergence(total, VOCABULARY)
    for step, loss in enumerate(losses, start=1):
        watch.measured(loss)
        if watch.diverged:
            return step
    return None


def noisy(mean: float, steps: int, spread: float = 0.4, seed: int = 1) -> list[float]:
    draw = random.Random(seed)
    return [max(0.001, draw.gauss(mean, spread * mean)) for _ in range(steps)]


def test_a_loss_that_rises_from_the_start_diverges() -> None:
    climbing = [2.5 + 0.2 * step for step in range(100)]
    found = step_of_divergence(climbing)
    assert found is not None
    assert found < 80


def test_a_loss_that_rises_far_above_its_minimum_diverges() -> None:
    learned = [2.5 * math.exp(-step / 20) + 0.02 for step in range(100)]
    found = step_of_divergence(learned + noisy(2.0, 100, 0.1))
    assert found is not None
    assert 100 + PATIENCE <= found <= 100 + PATIENCE + 20


@pytest.mark.parametrize("seed", range(40))
def test_a_noisy_flat_loss_does_not_diverge(seed: int) -> None:
    assert step_of_divergence(noisy(2.0, 1000, seed=seed), 1000) is None


@pytest.mark.parametrize("seed", range(10))
def test_small_jumps_near_zero_do_not_diverge(seed: int) -> None:
    learned = [2.5 * math.exp(-step / 10) + 0.005 for step in range(80)]
    draw = random.Random(seed)
    assert step_of_divergence(learned + [0.005 * math.exp(draw.gauss(0, 1.5)) for _ in range(500)]) is None


def test_an_easy_first_batch_is_not_the_minimum() -> None:
    assert step_of_divergence([0.05, *noisy(2.0, 300)]) is None


def test_a_loss_that_explodes_in_the_first_steps_diverges() -> None:
    assert step_of_divergence([2.5, *noisy(60.0, 100)]) == FIRST_STEPS + PATIENCE


def test_a_high_first_loss_does_not_diverge() -> None:
    assert step_of_divergence([18 * math.exp(-step / 300) for step in range(300)]) is None


def test_a_spike_with_recovery_does_not_diverge() -> None:
    assert step_of_divergence([1.0] * 50 + [9.0] * 3 + [1.0] * 100) is None


def test_the_good_step_is_before_the_rise() -> None:
    watch = Divergence(400, VOCABULARY)
    losses = [2.5 * math.exp(-step / 10) + 0.02 for step in range(60)] + [0.03 * 1.3**step for step in range(40)]
    for step, loss in enumerate(losses, start=1):
        watch.measured(loss)
        if step % 5 == 0:
            watch.saving(step)
        if watch.diverged:
            break
    assert watch.diverged
    assert 55 <= watch.good_step <= 70
    assert losses[watch.good_step - 1] < 0.5


def test_detection_continues_after_a_resume_and_names_its_numbers() -> None:
    losses = [1.0] * 30 + [8.0] * 40
    whole = Divergence(100, VOCABULARY)
    first, second = Divergence(100, VOCABULARY), Divergence(100, VOCABULARY)
    for loss in losses[:45]:
        whole.measured(loss)
        first.measured(loss)
    second.restore(json.loads(json.dumps(first.totals())))
    for loss in losses[45:60]:
        whole.measured(loss)
        second.measured(loss)
    assert second.totals() == whole.totals()
    assert second.diverged
    error = second.error(60, 0.02)
    for words in ("step 60", "started at 1", "0.02"):
        assert words in error.message
    assert "0.002 instead of 0.02" in error.remedy
    second.restore({})  # of an earlier release
