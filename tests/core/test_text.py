"""Counts and estimates."""

from __future__ import annotations

import pytest

from core.text import duration, estimated_tokens, too_large


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2)])
def test_estimated_tokens_are_rounded_up(characters: int, tokens: int) -> None:
    assert estimated_tokens(characters) == tokens


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0.2, "0.2 s"), (40, "40 s"), (180, "3 min"), (7800, "2 h 10 min")]
)
def test_a_duration_is_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_too_large_names_the_size_where_it_is_known_and_never_two_equal_numbers() -> None:
    limit = 100 * 2**20
    assert too_large("a.csv", limit, 250 * 2**20) == "a.csv is too large (250 MB; the limit is 100 MB)."
    assert too_large("a.csv", limit, limit + 1).endswith("(104,857,601 bytes; the limit is 104,857,600 bytes).")
    assert too_large("a.csv", limit) == "a.csv is too large; the limit is 100 MB (104,857,600 bytes)."
