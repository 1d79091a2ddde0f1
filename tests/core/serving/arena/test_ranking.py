"""Ratings of three or more models against planted strengths."""

from __future__ import annotations

import numpy as np

from core.serving.arena.ranking import Ballot, ranking

STRENGTHS = {"best": 4.0, "middle": 2.0, "worst": 1.0}


def planted(count: int) -> list[Ballot]:
    """Votes of every pair, each won with the probability that the strengths say."""
    draw = np.random.default_rng(3)
    found = []
    for left, right in (("best", "middle"), ("worst", "best"), ("middle", "worst")):
        chance = STRENGTHS[left] / (STRENGTHS[left] + STRENGTHS[right])
        found += [Ballot(left, right, "left" if draw.random() < chance else "right") for _ in range(count)]
    return found


def test_the_order_and_the_distances_are_found() -> None:
    rated = ranking(planted(400))
    assert [one.model_id for one in rated] == ["best", "middle", "worst"]
    step = 400 * np.log10(2)  # each is twice as strong as the next one
    for one, truth in zip(rated, (1000 + step, 1000, 1000 - step), strict=True):
        assert one.low < truth < one.high
        assert one.low < one.rating < one.high
    assert ranking(planted(400)) == rated, "the same votes give the same intervals"


def test_a_model_that_never_lost_has_a_finite_rating() -> None:
    ballots = [Ballot("a", "b", "left")] * 5 + [Ballot("b", "c", "left")] * 5
    rated = ranking(ballots)
    assert [one.model_id for one in rated] == ["a", "b", "c"]
    assert all(np.isfinite([one.rating, one.low, one.high]).all() for one in rated)


def test_two_models_and_models_without_a_link_are_not_ranked() -> None:
    assert ranking([Ballot("a", "b", "left")] * 9) == []
    assert ranking([Ballot("a", "b", "left"), Ballot("c", "d", "left")]) == []
    assert ranking([Ballot("a", "b", "left"), Ballot("b", "c", "both_bad")]) == []
