"""Which evaluation was the best, and when patience is exhausted."""

from __future__ import annotations

import json

from worker.training.early_stopping import Best, Improvement


def fed(improvement: Improvement, losses: list[float]) -> list[bool]:
    return [improvement.measured(step, loss, loss / 2) for step, loss in enumerate(losses, start=1)]


def test_the_lowest_loss_is_the_best_however_small_the_improvement() -> None:
    improvement = Improvement()
    assert fed(improvement, [2.0, 1.5, 1.6, 1.4999]) == [True, True, False, True]
    assert improvement.best == Best(4, 1.4999, 1.4999 / 2)
    assert not improvement.exhausted, "patience 0 waits for ever"


def test_patience_is_exhausted_after_evaluations_without_improvement() -> None:
    improvement = Improvement(patience=2)
    fed(improvement, [2.0, 1.0, 1.1])
    assert not improvement.exhausted
    improvement.measured(4, 1.0, None)  # as low as the lowest is no gain
    assert improvement.exhausted


def test_an_improvement_resets_the_patience() -> None:
    improvement = Improvement(patience=2)
    fed(improvement, [2.0, 2.1, 1.9, 2.0])
    assert not improvement.exhausted


def test_small_improvements_do_not_count_but_are_the_best() -> None:
    improvement = Improvement(patience=3, min_improvement=0.1)
    fed(improvement, [2.0, 1.95, 1.92, 1.91])
    assert improvement.exhausted
    assert improvement.best is not None
    assert improvement.best.step == 4


def test_small_improvements_add_up() -> None:
    improvement = Improvement(patience=3, min_improvement=0.1)
    fed(improvement, [2.0, 1.95, 1.89, 1.85])
    assert not improvement.exhausted


def test_a_checkpoint_stores_the_complete_state() -> None:
    whole, first, second = (Improvement(patience=3, min_improvement=0.05) for _ in range(3))
    losses = [2.0, 1.5, 1.6, 1.47, 1.48, 1.49]
    fed(whole, losses)
    fed(first, losses[:3])
    second.restore(json.loads(json.dumps(first.totals())))
    for step, loss in enumerate(losses[3:], start=4):
        second.measured(step, loss, loss / 2)
    assert second.totals() == whole.totals()
    assert second.exhausted == whole.exhausted


def test_a_checkpoint_of_an_earlier_release_has_no_state() -> None:
    improvement = Improvement(patience=1)
    improvement.restore({})
    assert (improvement.best, improvement.waited) == (None, 0)
