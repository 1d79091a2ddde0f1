"""What is accepted although it may mean something else is named with its count and line."""

from __future__ import annotations

import pytest

from core.data.conversion.fields import Account, account
from core.data.conversion.labeling import Recipe
from core.data.conversion.templates.base import ColumnMapping
from core.messages import Row

PAIRS = Recipe(shape="input_output")


def table(*fields: dict[str, str]) -> list[Row]:
    return [Row(line, item) for line, item in enumerate(fields, 2)]


def pair(number: int, output: str = "", **others: str) -> dict[str, str]:
    return {"input": f"Question {number}", "output": output or f"Answer {number}", **others}


def doubts(found: Account) -> list[tuple[str, int | None]]:
    return [(item.code, item.line) for item in found.doubts]


def test_unknown_splits_are_named_where_others_are_known() -> None:
    rows = table(pair(1, split="train"), pair(2, split="trian"), pair(3, split="holdout?"), pair(4, split="test"))
    found = account(PAIRS, rows)
    assert doubts(found) == [("split_unknown", 3)]
    assert "2 of 4 rows: “trian” (1), “holdout?” (1), first on line 3" in found.doubts[0].message
    assert found.split == "split"


def test_a_column_that_is_not_about_splits_or_is_left_out_raises_no_doubt() -> None:
    assert not account(PAIRS, table(pair(1, split="left"), pair(2, split="right"))).doubts
    ignored = Recipe(shape="input_output", without=("split",))
    assert not account(ignored, table(pair(1, split="train"), pair(2, split="trian"))).doubts


@pytest.mark.parametrize("text", ["nan", "N/A", "null", "None"])
def test_a_placeholder_as_output_is_named_and_remains_a_label(text: str) -> None:
    found = account(PAIRS, table(pair(1), pair(2, text)))
    assert doubts(found) == [("output_placeholder", 3)]
    assert found.accepted == 2
    assert f"1 of 2 rows: “{text}” (1), first on line 3" in found.doubts[0].message


def test_placeholders_in_the_target_of_a_template_are_named() -> None:
    recipe = Recipe(template="qa", mapping=ColumnMapping(key="input", target="output"))
    assert doubts(account(recipe, table(pair(1), pair(2, "nan")))) == [("output_placeholder", 3)]


def test_a_total_row_of_a_known_shape_is_named_until_it_is_left_out() -> None:
    rows = table(
        {"input": "Oak", "output": "1,000"},
        {"input": "Steel", "output": "200"},
        {"input": "Glass", "output": "34"},
        {"input": "Total", "output": "1,234"},
    )
    assert doubts(account(PAIRS, rows)) == [("total_row", 5)]
    assert not account(Recipe(shape="input_output", leave_out=frozenset({5})), rows).doubts
