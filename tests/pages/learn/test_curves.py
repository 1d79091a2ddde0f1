from __future__ import annotations

import math

import pytest

from pages.learn._explainer.curves import SHAPES, draw, read_curve


@pytest.mark.parametrize("shape", SHAPES)
def test_the_reader_recognizes_every_shape(shape: str) -> None:
    reading = read_curve(*draw(shape))
    assert reading.verdict == shape
    assert reading.title == SHAPES[shape].title


def test_a_nan_loss_means_the_learning_rate_is_too_high() -> None:
    train = [(step, 3.0 - step / 50) for step in range(1, 40)] + [(40, math.nan)]
    assert read_curve(train).verdict == "too_high"


def test_facts_memorized_to_the_end_are_healthy() -> None:
    train = [(step, 3 * math.exp(-step / 60)) for step in range(1, 701)]
    assert read_curve(train).verdict == "good"


def test_a_noisy_healthy_run_is_healthy() -> None:
    train = [(step, 0.4 + 2.6 * math.exp(-step / 30) + 0.08 * math.sin(7 * step)) for step in range(1, 301)]
    assert read_curve(train).verdict == "good"


def test_few_points_are_not_judged() -> None:
    assert read_curve([(1, 2.0), (2, 1.0)]).verdict == "too_short"
