"""Fields that are filled for the first time behind the rows that an account is based on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.data.conversion.fields import account
from core.data.conversion.labeling import Recipe
from core.data.conversion.late_fields import LateFields, completed
from core.data.formats.parsing.batches import RowBatch, from_items
from core.messages import Row

SHAPE = Recipe(shape="messages")


def chat(at: int, **further: Any) -> Row:
    turns = [{"role": "user", "content": f"Question {at}?"}, {"role": "assistant", "content": f"Answer {at}."}]
    return Row(at + 1, {"messages": turns, **further})


def batches(rows: list[Row]) -> Iterator[RowBatch]:
    return from_items(rows, size=4)


def watched(rows: list[Row], looked_at: int = 10) -> LateFields:
    late = LateFields(looked_at)
    assert [row for batch in late.watch(batches(rows)) for row in batch.items()] == rows
    return late


def test_a_column_of_later_rows_is_kept_with_its_first_rows() -> None:
    rows = [chat(number, **({"rating": 2} if number >= 15 else {})) for number in range(30)]
    late = watched(rows)
    assert {name: [row.line for row in several] for name, several in late.rows.items()} == {
        "rating": list(range(16, 31))
    }


def test_a_column_that_is_filled_early_or_never_is_not_late() -> None:
    rows = [chat(number, early=number == 3 or None, never="", later=number > 20 or None) for number in range(30)]
    assert list(watched(rows).rows) == ["later"]


def test_the_account_names_what_of_the_late_fields_reaches_the_examples() -> None:
    tool = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    rows = [chat(number) for number in range(12)]
    rows += [chat(number, tools=tool, rating=number % 2, number=number) for number in range(12, 16)]
    found = completed(account(SHAPE, rows[:10]), SHAPE, watched(rows).rows)
    assert "tools" in found.used
    assert [(item.name, item.since) for item in found.left_out] == [("rating", 13), ("number", 13)]
    assert [item.name for item in found.undecided(())] == ["rating"]
    assert found.undecided(["rating"]) == ()
    assert found.where(found.left_out[0]) == "filled from line 13 on"


def test_many_late_columns_keep_few_cells() -> None:
    rows = [chat(number) for number in range(10)]
    rows += [chat(number, **{f"column_{at}": 1 for at in range(700)}) for number in range(10, 200)]
    late = watched(rows)
    assert sum(len(several) for several in late.rows.values()) * 701 < 300_000
    assert len(late.rows) > 2
