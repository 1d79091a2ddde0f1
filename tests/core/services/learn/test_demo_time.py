"""How long a demo takes: estimated before the first, measured after it, and corrected by the pace of a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.learn import demo, demo_time
from core.services.training import jobs
from core.training import precision
from core.training.forecast import rough


def test_a_fresh_studio_estimates_by_the_processor(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rough, "processor", lambda: ("fast", frozenset({"avx2", "avx512f"})))
    fast = demo_time.expected()
    monkeypatch.setattr(rough, "processor", lambda: ("slow", frozenset({"avx2"})))
    slow = demo_time.expected()
    assert set(fast.seconds) == {"dataset", "starter", "training", "test"}
    assert slow.total_s > fast.total_s > 60
    assert not fast.measured
    assert precision.processor()[0]


def test_the_time_left_of_a_new_demo_is_all_but_its_dataset(studio_env: Path) -> None:
    record = demo.start()
    before = demo_time.expected().seconds
    assert demo_time.left_s(record) == pytest.approx(sum(before.values()) - before["dataset"])


def test_a_demo_that_failed_has_no_time_left(studio_env: Path) -> None:
    record = demo.start()
    jobs.request(record.job_id or "", "cancel")
    assert demo_time.left_s(demo.status(record.id)) is None


@pytest.mark.parametrize(
    ("share", "elapsed", "left"),
    [(0.0, 5.0, 100.0), (0.5, 30.0, 30.0), (0.25, 100.0, 300.0), (0.125, 0.0, 43.75), (1.0, 80.0, 0.0)],
)
def test_the_pace_of_a_step_counts_more_and_more(share: float, elapsed: float, left: float) -> None:
    assert demo_time.remaining(100.0, share, elapsed) == pytest.approx(left)


def test_a_countdown_follows_the_clock_and_never_goes_back(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = demo.start()
    now, estimate = 1_000.0, 200.0
    monkeypatch.setattr(demo_time.time, "time", lambda: now)
    monkeypatch.setattr(demo_time, "left_s", lambda record: estimate)

    def shown() -> tuple[float, bool]:
        count = demo_time.countdown(record)
        assert count is not None
        return round(count.left_s), count.late

    assert shown() == (200, False)
    now = 1_060.0  # a busy machine: nothing was done in this minute, and the estimate even grew
    estimate = 260.0
    assert shown() == (140, False)
    estimate = 130.0  # a little earlier is not worth a jump
    assert shown() == (140, False)
    estimate = 50.0
    assert shown() == (50, False)
    now, estimate = 1_120.0, 30.0  # over, and nearly done: no new promise
    assert shown() == (-10, False)
    estimate = 300.0
    assert shown() == (300, True)
    now = 1_180.0
    assert shown() == (240, True)
    now, estimate = 1_320.0, 450.0  # far more is left than was promised: that is said now, not when the promise is over
    assert shown() == (450, True)


def test_a_rough_time_grows_with_the_work_and_the_age_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rough, "processor", lambda: ("fast", frozenset({"avx2", "avx512f"})))
    monkeypatch.setattr(rough.os, "sched_getaffinity", lambda _: {0, 1})
    low, high = rough.rough_time(135_000_000, 80_000, 270, frozen=True)
    assert low < 404 < high  # the reference machine's own run
    low, high = rough.rough_time(3_200_000, 430_000, 1_440, frozen=True)
    assert low < 119 < high
    assert rough.rough_time(3_200_000, 430_000, 1_440, frozen=False)[0] > low
    monkeypatch.setattr(rough, "processor", lambda: ("slow", frozenset()))
    assert rough.rough_time(3_200_000, 430_000, 1_440, frozen=True)[0] > low
