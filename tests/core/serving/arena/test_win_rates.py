"""Win rates: their intervals against planted rates, ties, and the votes that are still needed."""

from __future__ import annotations

import numpy as np
import pytest

from core.serving.arena.win_rates import VoteCount, WinRate, more_votes, tally, win_rate

SIMULATIONS = 1_000


def test_votes_are_counted_from_the_first_model() -> None:
    counted = tally(["left", "left", "right", "tie", "both_bad"])
    assert counted == VoteCount(2, 1, 1, 1)
    assert counted.mirrored == VoteCount(1, 2, 1, 1)
    assert (counted.decided, counted.total) == (4, 5)


@pytest.mark.parametrize("truth", [0.5, 0.6, 0.8])
@pytest.mark.parametrize("count", [30, 100, 300])
@pytest.mark.parametrize("ties", [0.0, 0.2])
def test_the_interval_covers_a_planted_win_rate(truth: float, count: int, ties: float) -> None:
    shares = [truth - ties / 2, 1 - truth - ties / 2, ties]
    drawn = np.random.default_rng(int(1_000 * truth) + count).multinomial(count, shares, size=SIMULATIONS)
    rates = [win_rate(VoteCount(*map(int, votes))) for votes in drawn]
    covered = sum(rate is not None and rate.low <= truth <= rate.high for rate in rates)
    assert 0.93 <= covered / SIMULATIONS <= 0.97


def test_without_ties_it_is_the_interval_of_wilson() -> None:
    rate = win_rate(VoteCount(wins=8, losses=2))
    assert rate is not None
    assert (rate.value, round(rate.low, 4), round(rate.high, 4)) == (0.8, 0.4902, 0.9433)  # scipy.stats.binomtest


def test_only_ties_leave_no_doubt_and_no_winner() -> None:
    rate = win_rate(VoteCount(ties=50))
    assert rate is not None
    assert rate.value == 0.5
    assert not rate.is_sure
    assert more_votes(VoteCount(ties=50)) is None


def test_both_bad_says_nothing_about_the_better_one() -> None:
    assert win_rate(VoteCount(both_bad=9)) is None
    assert more_votes(VoteCount(both_bad=9)) is None
    assert win_rate(VoteCount(3, 1, 0, 9)) == win_rate(VoteCount(3, 1))


@pytest.mark.parametrize("votes", [VoteCount(6, 4), VoteCount(12, 8, 4), VoteCount(3, 5), VoteCount(2, 1, 1)])
def test_so_many_votes_of_the_same_kind_decide_it(votes: VoteCount) -> None:
    more = more_votes(votes)
    assert more
    factor = (votes.decided + more) / votes.decided
    rate = win_rate(votes)
    assert rate is not None

    def after(times: float) -> WinRate:
        found = win_rate(VoteCount(*(round(1_000 * times * n) for n in (votes.wins, votes.losses, votes.ties))))
        assert found is not None
        return found

    # In units of a thousandth of a vote the interval narrows as if there were a thousand times as many votes, so the
    # check is on the formula itself: (rate - 1/2)² of this many votes equals the squared half width at 1/2.
    ties = votes.ties / votes.decided
    needed = 1.959963984540054**2 * (1 - ties) / 4 / (rate.value - 0.5) ** 2
    assert votes.decided * factor == pytest.approx(needed, abs=2)
    assert after(1).is_sure


def test_a_decided_pair_needs_no_more_votes() -> None:
    assert more_votes(VoteCount(90, 10)) == 0
    assert more_votes(VoteCount(10, 90)) == 0
    assert more_votes(VoteCount(5, 5)) is None
