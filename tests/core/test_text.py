"""Counts and estimates."""

from __future__ import annotations

import pytest

from core.text import estimated_tokens


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2)])
def test_estimated_tokens_are_rounded_up(characters: int, tokens: int) -> None:
    assert estimated_tokens(characters) == tokens
