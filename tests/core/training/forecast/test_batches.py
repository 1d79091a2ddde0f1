"""The plan of a run's batches, used by the worker and the forecast."""

from __future__ import annotations

from typing import Any

from core.training.forecast.batches import CPU_TOKENS, Widest, at_most, order, token_budget, widest

SPANS = ((100, 20), (40, 10), (60, 50), (10, 5))


def of(spans: tuple[tuple[int, int], ...] = SPANS, **changes: Any) -> Widest:
    run = {"batch_size": 2, "accumulation": 1, "max_seq_length": 512, "seed": 1, "epochs": 3}
    return widest(spans, **(run | changes))


def test_the_order_depends_only_on_seed_and_epoch() -> None:
    assert order(50, 1, 0) == order(50, 1, 0) != order(50, 1, 1)
    assert sorted(order(50, 2, 0)) == list(range(50))


def test_one_step_over_all_examples_holds_all_their_tokens() -> None:
    found = of(batch_size=4)
    assert found == Widest(210, 100, 80 + 30 + 10 + 5, several=False)
    rows = of(batch_size=4, end_to_end=False)  # padded to the longest
    assert (rows.tokens, rows.length) == (400, 100)


def test_a_step_of_several_micro_batches_holds_its_gradients() -> None:
    """Four examples of 210 tokens, at most 100 at once."""
    found = of(batch_size=1, accumulation=4)
    assert found.several
    assert 100 <= found.tokens <= 110


def test_examples_are_truncated_and_those_without_an_answer_left_out() -> None:
    assert of(batch_size=4, max_seq_length=50).tokens == 50 + 40 + 10  # the third one's answer begins at 50
    assert of(max_seq_length=4) == at_most(2, 1, 4)  # nothing is left: then the most that there can be


def test_a_cpu_budget_is_smaller_but_fits_the_longest_example() -> None:
    assert token_budget(8, 800, "cuda") == 6_400
    assert token_budget(8, 800, "cpu") == CPU_TOKENS
    assert token_budget(8, 100, "cpu") == 800
    assert token_budget(1, 3_000, "cpu") == 3_000
