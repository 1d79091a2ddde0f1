"""The arithmetic of the curves: smoothing, thinning, the range of the axis."""

from __future__ import annotations

import pytest

from core.training.metrics import METRICS, Point
from pages.ui.charts import runs as run_charts
from pages.ui.format import time_range


def points(count: int, split: str = "train") -> list[Point]:
    return [Point.of(split, n, {"epoch": n / 10, "loss": 5 / n}) for n in range(1, count + 1)]


def test_smoothing_starts_at_the_first_value_and_preserves_a_constant() -> None:
    assert run_charts.smoothed([3.0, 1.0])[0] == 3.0
    assert run_charts.smoothed([2.0] * 500) == pytest.approx([2.0] * 500)
    assert run_charts.smoothed([]) == []


def test_thinning_preserves_both_ends() -> None:
    thin = run_charts.thinned(points(5_000))
    assert len(thin) <= 402
    assert (thin[0].step, thin[-1].step) == (1, 5_000)


def test_the_step_that_became_the_model_is_marked_unless_it_is_the_last() -> None:
    marked = run_charts.loss_figure([*points(40), *points(40, "validation")], 40, kept=20)
    assert [note.x for note in marked.layout.annotations] == [20]
    assert not run_charts.loss_figure(points(40), 40, kept=40).layout.annotations
    assert not run_charts.loss_figure(points(40), 40).layout.annotations


def test_the_loss_axis_ends_at_the_planned_or_the_last_step() -> None:
    fig = run_charts.loss_figure([*points(30), *points(3, "validation")], total_steps=100)
    assert fig.layout.xaxis.range[1] >= 100
    assert len(fig.data) == 3  # raw, smoothed, validation
    assert run_charts.loss_figure(points(30), total_steps=10).layout.xaxis.range[1] >= 30


def test_points_without_a_value_are_left_out() -> None:
    assert list(run_charts.value_figure(points(3), METRICS.get("learning_rate"), 10).data[0].x) == []


def test_an_estimated_time_is_a_range_in_one_unit() -> None:
    assert time_range(36 * 60, 42 * 60) == "36 to 42 min"
    assert time_range(40.2, 40.4) == "about 40 s"
