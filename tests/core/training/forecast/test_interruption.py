"""Before launch: what a crash would cost."""

from __future__ import annotations

import pytest

from core.training.forecast.interruption import resume_warning
from core.training.forecast.time import NOT_MEASURED, TimeForecast

UNKNOWN = TimeForecast(None, None, NOT_MEASURED)


def warning_of(total: int, every: int, seconds: float | None = None) -> str:
    return resume_warning(total, every, TimeForecast(seconds / 2, seconds, "") if seconds else UNKNOWN)


@pytest.mark.parametrize("every", [100, 5_000])
def test_no_checkpoint_before_the_end_leaves_nothing_to_resume(every: int) -> None:
    assert "nothing can be resumed" in warning_of(100, every)
    assert "cost the entire run" in warning_of(100, every)
    assert "cost up to 30 min" in warning_of(100, every, 1800)
    assert "Save every 5 steps or fewer" in warning_of(100, every)


def test_a_late_first_checkpoint_is_a_warning_with_its_cost() -> None:
    assert "after 80 of 100 steps" in warning_of(100, 80)
    assert "cost up to 24 min" in warning_of(100, 80, 1800)


def test_much_work_between_two_checkpoints_is_given_in_minutes() -> None:
    assert "Up to 30 min of work is between two checkpoints" in warning_of(1000, 50, 36_000)


@pytest.mark.parametrize(("total", "every", "seconds"), [(100, 5, None), (100, 5, 3600.0), (1, 1, 60.0)])
def test_no_warning_if_little_can_be_lost(total: int, every: int, seconds: float | None) -> None:
    assert warning_of(total, every, seconds) == ""
