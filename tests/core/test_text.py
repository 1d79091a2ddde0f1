"""Counts and estimates."""

from __future__ import annotations

import pytest

from core.text import duration, estimated_tokens


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2)])
def test_estimated_tokens_are_rounded_up(characters: int, tokens: int) -> None:
    assert estimated_tokens(characters) == tokens


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0.2, "0.2 s"), (40, "40 s"), (180, "3 min"), (7800, "2 h 10 min")]
)
def test_a_duration_is_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
