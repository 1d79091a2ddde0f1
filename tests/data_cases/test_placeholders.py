"""`<noinput>`, `N/A`, `nan` and the like in an optional input mean none, and are counted."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from core.data.conversion.cells import PLACEHOLDERS
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.examples.texts import TextColumn
from core.data.formats.parsing.batches import RowBatch
from core.messages import Reject, Row
from core.services.data import conversion, sources
from core.services.data.sources import accounts

ROWS = [
    {"instruction": f"Name {n}", "input": text, "output": f"Answer {n}"} for n, text in enumerate(sorted(PLACEHOLDERS))
]
TABLE = [
    {"item": "oak", "size": "12 cm", "color": "brown", "text": "An oak."},
    {"item": "elm", "size": "N/A", "color": "gray", "text": "An elm."},
    {"item": "fir", "size": " nan ", "color": "-", "text": "A fir."},
    {"item": "None", "size": "3 cm", "color": "red", "text": "n/a"},
]


def made(recipe: Recipe, rows: list[dict[str, Any]]) -> list[list[str] | str]:
    """The texts of each example, or the code of its reject; the same by rows and by columns."""
    by_row = [_shown(item) for item in Labeler(recipe, "t").run(Row(n, row) for n, row in enumerate(rows, 1))]
    cells = {name: [row[name] for row in rows] for name in rows[0]}
    batch = RowBatch(tuple(rows[0]), list(range(1, len(rows) + 1)), cells)
    for cells in (batch.cells, {name: TextColumn(pa.array(values)) for name, values in batch.cells.items()}):
        by_column: list[list[str] | str] = []
        for item in Labeler(recipe, "t").run_batches([replace(batch, cells=cells)]):
            if isinstance(item, Labeled | Reject):
                by_column.append(_shown(item))
            else:
                found = [[message.content for message in item.example(at).messages] for at in range(len(item))]
                by_column += [*found, *[reject.findings[0].code for _, reject in item.rejects]]
        assert sorted(map(str, by_column)) == sorted(map(str, by_row))
    return by_row


def _shown(item: Labeled | Reject) -> list[str] | str:
    if isinstance(item, Reject):
        return item.findings[0].code
    return [message.content for message in item.example.messages]


def test_placeholders_of_alpaca_are_no_input() -> None:
    assert made(Recipe(shape="alpaca"), ROWS) == [[f"Name {n}", f"Answer {n}"] for n in range(len(ROWS))]


def test_what_an_example_needs_is_a_text_like_any_other() -> None:
    rows = [{"instruction": "Which value is missing?", "input": "", "output": "null"}]
    assert made(Recipe(shape="alpaca"), rows) == [["Which value is missing?", "null"]]
    assert made(Recipe(shape="prompt_completion"), [{"prompt": "none", "completion": "N/A"}]) == [["none", "N/A"]]


def recipe(template: str, mapping: dict[str, Any], **options: Any) -> Recipe:
    return Recipe.of({"template": template, "mapping": mapping, "options": options})


@pytest.mark.parametrize("empty", ["skip", "leave_out", "fail"])
def test_included_columns_are_left_out_where_they_say_that_they_are_empty(empty: str) -> None:
    chosen = recipe("qa", {"key": "item", "include": ["size", "color"]}, empty=empty)
    rows = TABLE[:2]
    assert made(chosen, rows) == [["oak", "oak - size: 12 cm; color: brown."], ["elm", "elm - color: gray."]]


def test_a_row_without_anything_to_answer_with_is_rejected_and_filled_by_choice() -> None:
    mapping = {"key": "item", "include": ["size", "color"]}
    assert made(recipe("qa", mapping), TABLE)[2:] == ["cell_empty", ["None", "None - size: 3 cm; color: red."]]
    filled = made(recipe("qa", mapping, empty="fill"), TABLE)
    assert filled[2] == ["fir", "fir - size: not stated; color: not stated."]


def test_a_pattern_with_a_hole_follows_the_choice_for_empty_cells() -> None:
    mapping = {"key": "item", "target": "text"}
    chosen = recipe("qa", mapping, question="How big is {{key}} of {{size}}?")
    assert made(chosen, TABLE)[:3] == [["How big is oak of 12 cm?", "An oak."], "cell_empty", "cell_empty"]
    assert made(chosen, TABLE)[3] == ["How big is None of 3 cm?", "n/a"]


@pytest.mark.usefixtures("studio_env")
def test_they_are_counted_before_anything_is_created() -> None:
    lines = "\n".join(json.dumps(row) for row in [*ROWS, {"instruction": "a", "input": "text", "output": "b"}])
    source = sources.ingest(io.BytesIO(lines.encode()), "alpaca.jsonl")
    account = conversion.account(source.id, {"shape": "alpaca"})
    assert [(item.name, item.rows) for item in account.placeholders] == [("input", len(ROWS))]
    (found,) = [item for item in accounts.findings(account) if item.code == "placeholder_input"]
    assert found.message.startswith(f"`input` is read as empty in {len(ROWS)} of {len(ROWS) + 1} rows: it says ")
    shown = found.message.partition("it says ")[2]
    assert shown.count(",") == 2
    assert " or " in shown
    table = "item,size,color,text\n" + "\n".join(",".join(row.values()) for row in TABLE)
    source = sources.ingest(io.BytesIO(table.encode()), "table.csv")
    state = {"template": "qa", "mapping": {"key": "item", "target": "text", "include": ["size"]}, "options": {}}
    assert [(item.name, item.rows, item.shown) for item in conversion.account(source.id, state).placeholders] == [
        ("size", 2, "N/A or nan")
    ]
