"""Which number of examples at once is fastest, by measurements that the test makes up, and in a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.methods import build
from tests.support import tiny
from worker.training.engines import Watching
from worker.training.micro_batch import BatchTrial
from worker.training.run import TrainResult, train


def tried(speeds: dict[int, float]) -> tuple[BatchTrial, list[int]]:
    """A trial of sizes that make so many tokens per second, and the sizes of its steps."""
    trial, steps = BatchTrial(sorted(speeds)), []
    while not trial.chosen:
        steps.append(trial.current)
        trial.measured(1_000, 1_000 / speeds[trial.current] * (5 if len(steps) == 1 else 1))
    return trial, steps


@pytest.mark.parametrize(
    ("speeds", "chosen"),
    [
        ({2: 300, 4: 350, 8: 380}, 8),
        ({2: 300, 4: 350, 8: 355}, 4),  # too little faster for its memory
        ({2: 300, 4: 290, 8: 305}, 2),
        ({2: 300, 8: 200}, 2),
    ],
)
def test_the_fastest_size_is_chosen_and_a_larger_one_only_for_a_gain(speeds: dict[int, float], chosen: int) -> None:
    trial, steps = tried(speeds)
    assert trial.chosen == trial.current == chosen
    assert len(steps) == 1 + 2 * len(speeds)
    assert trial.rates == pytest.approx(speeds), "the first step warms up"
    assert not trial.measured(1, 1.0)


def test_one_size_is_not_tried() -> None:
    assert BatchTrial([2]).chosen == 2


def test_a_trial_continues_after_a_resume() -> None:
    first, second = BatchTrial([2, 8]), BatchTrial([2, 8])
    first.measured(100, 1.0)
    first.measured(100, 1.0)
    second.restore(first.totals())
    assert second.current == first.current == 8
    other = BatchTrial([2, 4])
    other.restore(first.totals())
    assert other.current == 2, "measured for other sizes"
    other.restore({})


def run(base: Path, output: Path, chosen: list[int], **changes: object) -> tuple[TrainResult, list[float]]:
    losses: list[float] = []
    numbers = {"per_device_batch_size": 2, "gradient_accumulation_steps": 4, "num_epochs": 5, **changes}
    watching = Watching(
        on_point=lambda point: losses.append(point.loss), on_batch_size=lambda size, rates: chosen.append(size)
    )
    return train(base, tiny.examples(), build("lora"), tiny.training(**numbers), output, watching=watching), losses


def test_the_first_steps_try_the_sizes_and_the_result_is_equal_up_to_rounding(tiny_base: Path, tmp_path: Path) -> None:
    chosen: list[int] = []
    tries, losses = run(tiny_base, tmp_path / "tries", chosen, largest_batch=8)
    assert len(chosen) == 1
    assert tries.examples_at_once == chosen[0] in (2, 4, 8)
    plain, expected = run(tiny_base, tmp_path / "plain", [])
    assert plain.examples_at_once == 2
    assert losses == pytest.approx(expected, rel=1e-4)
    assert tries.tokens == plain.tokens
