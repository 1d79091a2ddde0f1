from __future__ import annotations

from dataclasses import replace

import pytest

from core.messages import Message
from core.training.forecast.lengths import Lengths, consequences, estimate_span, most_tokens
from core.training.forecast.time import NOT_MEASURED, Speed, Work, forecast_cost, forecast_time


def test_lengths_count_what_is_cut_and_what_is_lost() -> None:
    lengths = Lengths(((10, 4), (100, 50), (200, 150)), 3, exact=True)
    assert (lengths.longest, lengths.total_tokens) == (200, 310)
    assert (lengths.over(99), lengths.answers_lost(100), lengths.answers_lost(10)) == (2, 1, 2)


def test_the_effect_of_the_maximum_length_is_reported_before_launch() -> None:
    lengths = Lengths(((10, 4), (100, 50), (200, 150)), 3, exact=True)
    said = consequences(lengths, 90, "truncate")
    assert said[0] == "2 examples are longer than 90 tokens; the longest has 200."
    assert "1 example is cut off at the end: about 60 tokens of outputs" in said[1]  # 10 of one, 50 of the other
    assert "1 would lose the entire output and is left out" in said[2]
    assert lengths.tokens_trained(90, "truncate") == 10 + 90
    assert consequences(lengths, 90, "drop") == (f"{said[0]} They are left out completely.",)
    assert lengths.tokens_trained(90, "drop") == 10
    assert "will not start" in consequences(lengths, 90, "stop")[0]
    assert consequences(lengths, 200, "stop") == consequences(lengths, 200, "truncate") == ()
    assert consequences(Lengths(((30, 5),), 100, exact=False), 20, "drop")[0].startswith("About 100 examples are")


def test_a_sample_is_scaled_up() -> None:
    lengths = Lengths(((10, 4), (30, 5)), 1000, exact=False)
    assert lengths.total_tokens == 20_000
    assert lengths.over(20) == 500


def test_no_examples_are_no_tokens() -> None:
    assert Lengths((), 0, exact=True).total_tokens == 0


def test_estimates_use_four_characters_per_token() -> None:
    total, start = estimate_span([Message("user", "x" * 400), Message("assistant", "y" * 40)])
    assert total == 100 + 10 + 8
    assert start == 108
    assert estimate_span([Message("user", "x")])[1] == 5  # no answer: all of it is lost at any length


def test_no_tokenizer_returns_more_tokens_than_bytes() -> None:
    assert most_tokens([Message("user", "é"), Message("assistant", "ab")]) == 2 + 2 + 16


def test_time_is_tokens_over_speed_with_a_range() -> None:
    found = forecast_time(Work(10_000), Speed(tokens_per_s=100, load_s=5))
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.expected_s == 110  # the base is loaded once more for the first answer
    assert found.low_s < 110 < found.high_s
    similar = forecast_time(Work(10_000), Speed(100, 5, likeness="similar"))
    assert similar.high_s is not None
    assert similar.high_s > found.high_s


def test_time_counts_validation_checkpoints_and_the_first_answer() -> None:
    work = Work(10_000, validation_tokens=30, validations=20, checkpoints=20, pass_share=0.5, answer_s=2)
    found = forecast_time(work, Speed(100, load_s=5, first_step_s=1, checkpoint_s=0.5))
    parts = {"loading": 6, "steps": 100, "validation": 3, "checkpoints": 10, "first answer": 7}
    assert {name: seconds for name, seconds in found.parts if seconds} == parts
    ran = forecast_time(work, Speed(100, 5, other_s=33))  # an earlier run with the same settings knows the rest
    assert ran.expected_s == 133
    assert forecast_time(work, Speed(100, 5, other_s=33, between_share=0.1)).expected_s == 143  # grows with the steps


def test_sample_answers_and_losses_by_example_are_counted() -> None:
    speed = Speed(100)
    few = dict(forecast_time(Work(100_000, measured_tokens=3_000, sample_rounds=3, sample_s=2), speed).parts)
    assert few["sample answers"] == 3 * 2  # before, once between, at the end
    assert few["losses by example"] == pytest.approx(10)  # forward only
    many = dict(forecast_time(Work(100_000, measured_tokens=10**6, sample_rounds=21, sample_s=9), speed).parts)
    assert many["sample answers"] == 4 * 9  # two of them between: the first three take 3 % of the steps' 1,000 s
    assert many["losses by example"] == 130 - 36  # what is left of 13 %
    assert dict(forecast_time(Work(100_000), speed).parts)["sample answers"] == 0


def test_validation_and_checkpoints_follow_their_shares_of_the_time() -> None:
    """1,000 s of steps: 70 s for validations and 20 s for checkpoints."""
    work = Work(100_000, validation_tokens=2_000, pass_share=0.5)
    parts = dict(forecast_time(work, Speed(100, checkpoint_s=4)).parts)
    assert parts["validation"] == 7 * 10  # each takes 10 s
    assert parts["checkpoints"] == 5 * 4
    large = dict(forecast_time(replace(work, validation_tokens=200_000), Speed(100, checkpoint_s=50)).parts)
    assert large["validation"] == pytest.approx(70)  # three of a part of the examples
    assert large["checkpoints"] == 50  # the last one is always written
    small = dict(forecast_time(replace(work, validation_tokens=20), Speed(100, checkpoint_s=0.1)).parts)
    assert (small["validation"], small["checkpoints"]) == (pytest.approx(20 * 0.1), pytest.approx(20 * 0.1))


def test_without_a_measurement_the_forecast_says_so() -> None:
    assert forecast_time(Work(10_000), None).text == NOT_MEASURED
    assert forecast_time(Work(10_000), None).expected_s is None


def test_cost_is_forecast_only_if_a_price_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert forecast_cost(1800, 3600) is None
    monkeypatch.setenv("SFT_PRICE_PER_HOUR", "2.4")
    assert forecast_cost(None, None) is None
    cost = forecast_cost(1800, 3600)
    assert cost is not None
    assert cost.text == "1.20 to 2.40 EUR at 2.4 EUR per hour"
