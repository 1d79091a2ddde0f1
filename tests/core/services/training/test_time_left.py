"""The time left of a running job: steady from poll to poll, and right at the end."""

from __future__ import annotations

from itertools import pairwise

from core.services.training.jobs.time_left import FEWEST, Moment, time_left

STEPS, STEP_S, VALIDATION_S = 400, 1.0, 12.0


def seconds_left(moments: list[Moment], steps: int, now: float) -> float | None:
    known = time_left(moments, steps)
    return None if known is None else known.after(now)


def run() -> list[Moment]:
    """Steps of a second, with a validation after every 20th that takes as long as twelve of them."""
    at, moments = 0.0, []
    for step in range(1, STEPS + 1):
        at += STEP_S
        moments.append((step, at))
        at += VALIDATION_S if step % 20 == 0 else 0.0
    return moments


def test_the_end_that_is_announced_hardly_moves_from_step_to_step() -> None:
    moments = run()
    ends = [at + left for step, at in moments[80:] if (left := seconds_left(moments[:step], STEPS, at)) is not None]
    assert len(ends) == STEPS - 80
    moved = [abs(after - before) for before, after in pairwise(ends)]
    assert max(moved) <= VALIDATION_S + STEP_S
    assert abs(ends[0] - moments[-1][1]) <= 0.1 * moments[-1][1]


def test_it_counts_down_between_two_steps_and_ends_at_nothing() -> None:
    moments = [(step, 2.0 * step) for step in range(1, 11)]
    assert seconds_left(moments, 20, 20.0) == 20.0
    assert seconds_left(moments, 20, 21.5) == 18.5
    assert seconds_left(moments, 20, 1e6) == 0.0


def test_a_pause_is_no_step() -> None:
    before = [(step, float(step)) for step in range(1, 11)]
    after = [(step, 5_000.0 + step) for step in range(11, 15)]
    assert seconds_left(before + after, 24, 5_014.0) == 10.0


def test_a_few_steps_say_nothing_yet() -> None:
    assert seconds_left([], 20, 0.0) is None
    assert seconds_left([(step, float(step)) for step in range(1, FEWEST)], 20, 5.0) is None
