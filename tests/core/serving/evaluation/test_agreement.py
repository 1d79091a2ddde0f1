"""Judges: both orders, a preference for a side, and agreement with people."""

from __future__ import annotations

import random

import pytest

from core.serving.evaluation.agreement import calibration, kappa, of_both_orders


def judge(draw: random.Random, chance: float, noise: float, pairs: int) -> list[tuple[int, int]]:
    """A judge without a preference for a side: the candidate is better with a chance, and it errs with `noise`."""
    found = []
    for _ in range(pairs):
        truth = 1 if draw.random() < chance else -1
        first, second = (truth if draw.random() > noise else -truth for _ in range(2))
        found.append((first, second))
    return found


def test_a_judge_that_always_says_left_is_found() -> None:
    found = of_both_orders([(1, -1)] * 10)
    assert (found.wins, found.ties, found.losses, found.disagreed) == (0, 10, 0, 10)
    assert (found.biased, found.win_rate) == ("left", 0.5)
    assert of_both_orders([(-1, 1)] * 10).biased == "right"


def test_a_judge_without_a_preference_is_not_suspected() -> None:
    suspected = sum(bool(of_both_orders(judge(random.Random(seed), 0.7, 0.2, 100)).biased) for seed in range(100))
    assert suspected <= 4  # 1 % expected


def test_a_disagreement_is_a_tie() -> None:
    found = of_both_orders([(1, 1), (1, 1), (-1, -1), (1, -1), (0, 1), (0, 0)])
    assert (found.wins, found.ties, found.losses, found.disagreed) == (2, 3, 1, 2)
    assert found.win_rate == pytest.approx(3.5 / 6)
    assert of_both_orders([]).win_rate == 0.5


def test_a_planted_win_rate_is_found() -> None:
    found = of_both_orders(judge(random.Random(3), 0.8, 0.0, 300))
    assert found.win_rate == pytest.approx(0.8, abs=0.05)


def test_agreement_with_people() -> None:
    people = [1, 1, 0, -1, -1, 0, 1, -1, 1, 0]
    same = calibration(people, people)
    assert (same.ratings, same.tau, same.kappa, same.enough) == (10, pytest.approx(1), 1, False)
    against = calibration([-one for one in people], people)
    assert against.tau == pytest.approx(-1)
    assert calibration(people * 2, people * 2).enough
    # 20 of 50 agree on yes, 15 on no; 5 and 10 disagree: (0.7 - 0.5) / (1 - 0.5)
    first = [1] * 25 + [0] * 25
    second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa([], []) is None
    assert (calibration([1, 1], [1, 1]).tau, calibration([1, 1], [1, 1]).kappa) == (None, None)
