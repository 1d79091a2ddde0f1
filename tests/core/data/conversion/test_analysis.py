"""Column profiles and suggestions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.data import formats
from core.data.conversion.analysis import Analysis, analyze, analyze_batches, first_choice
from core.messages import Reject, Row


def table(**columns: list[Any]) -> list[Row | Reject]:
    length = max(map(len, columns.values()))
    return [Row(n + 2, {name: values[n % len(values)] for name, values in columns.items()}) for n in range(length)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"{n}" for n in range(50)], "number"),
        (["1,234.50", "-3", "1e5", "12%"], "number"),
        ([n / 2 for n in range(50)], "number"),
        ([f"{n:05d}" for n in range(50)], "text"),
        (["2026-03-01", "2026-03-02T10:00:00Z", "01/02/2026", "1.2.26"], "date"),
        (["true", "False", "YES", "no"], "boolean"),
        ([True, False], "boolean"),
        (["red", "green", "red", "red", "green", "red"] * 5, "categorical"),
        ([f"This is the sentence number {n}." for n in range(50)], "text"),
        (["", " ", None], "empty"),
        ([[1], {"a": 2}], "json"),
    ],
)
def test_column_types(values: list[Any], kind: str) -> None:
    column = analyze(table(a=values)).columns[0]
    assert column.type == kind


def test_counts_and_samples() -> None:
    column = analyze(table(a=["x", "y", "", "x", " ", "z" * 500])).columns[0]
    assert (column.distinct, column.empty, column.filled, column.distinct_exact) == (3, 2, 4, True)
    assert column.samples[:2] == ("x", "y")
    assert len(column.samples[2]) < 250


def test_only_the_first_rows_are_profiled_and_all_are_counted() -> None:
    rows = [*table(a=[f"{n}" for n in range(100)]), Reject(102, "raw")]
    found = analyze(rows, limit=10)
    assert (found.total_rows, found.rejected_rows, found.profiled_rows) == (101, 1, 10)
    assert found.columns[0].distinct == 10


def test_memory_is_bounded_by_a_lower_bound() -> None:
    column = analyze(table(a=[f"{n}" for n in range(6_000)])).columns[0]
    assert column.distinct == 5_000
    assert not column.distinct_exact


TEXTS = [f"Where is the parcel number {n} that I ordered?" for n in range(60)]


@pytest.mark.parametrize(
    ("columns", "template", "key", "target"),
    [
        ({"text": TEXTS, "category": ["a", "b", "c"]}, "classification", "text", "category"),
        ({"id": [f"{n}" for n in range(60)], "question": TEXTS, "answer": TEXTS}, "qa", "question", "answer"),
        ({"one": TEXTS, "two": [text[::-1] for text in TEXTS]}, "qa", "one", "two"),
        ({"customer message": TEXTS, "reply text": TEXTS[::-1]}, "qa", "customer message", "reply text"),
        ({"body": TEXTS, "mood": ["glad", "sad"]}, "classification", "body", "mood"),
        ({"name": TEXTS, "color": ["a", "b"], "price": [f"{n}" for n in range(60)], "size": ["s", "m"]},
         "extraction", "name", None),
        ({"only": TEXTS}, "custom", "only", None),
    ],
)  # fmt: skip
def test_suggestions(columns: dict[str, list[Any]], template: str, key: str, target: str | None) -> None:
    found = analyze(table(**columns)).suggestion
    assert found is not None
    assert (found.template, found.mapping.key, found.mapping.target) == (template, key, target)
    assert f"`{key}`" in found.reason


def test_nothing_to_suggest() -> None:
    assert analyze([]).suggestion is None
    assert analyze(table(a=["", None])).suggestion is None


def test_survives_the_way_through_json() -> None:
    found = analyze(table(text=TEXTS, label=["a", "b"]))
    assert Analysis.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_banking77(real_data: Path) -> None:
    path = real_data / "tables" / "banking77_train.csv"
    found = analyze(formats.read(path, formats.detect_file(path)))
    assert (found.total_rows, found.rejected_rows, found.shape) == (10_003, 0, None)
    assert [(column.name, column.type) for column in found.columns] == [("text", "text"), ("category", "categorical")]
    assert found.columns[1].distinct == 77
    assert found.suggestion is not None
    assert (found.suggestion.template, found.suggestion.mapping.key, found.suggestion.mapping.target) == (
        "classification",
        "text",
        "category",
    )


def test_columns_to_begin_with_when_a_person_picks_the_template() -> None:
    found = analyze(table(body=TEXTS, mood=["glad", "sad"], year=[f"{n}" for n in range(60)]))

    def chosen(analysis: Analysis, template: str) -> dict[str, Any]:
        return first_choice(analysis, template).mapping.to_dict()

    assert chosen(found, "classification") == {"key": "body", "target": "mood", "include": []}
    assert chosen(found, "extraction") == {
        "key": "body",
        "target": None,
        "include": ["mood", "year"],
    }
    assert chosen(found, "qa") == {"key": "body", "target": None, "include": ["mood", "year"]}
    assert chosen(found, "custom") == {"key": None, "target": None, "include": []}
    empty = analyze([])
    for template in ("qa", "extraction", "classification", "custom"):
        assert chosen(empty, template) == {"key": None, "target": None, "include": []}


def test_batches_give_the_same_analysis(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("q,a\n" + "".join(f"text {n},{n % 3}\n" + "bad\n" * (n % 50 == 0) for n in range(3_000)))
    found = formats.detect_file(path)
    for limit in (100, 10_000):
        by_row = analyze(formats.read(path, found), limit)
        assert analyze_batches(formats.read_batches(path, found, 500), limit).total_rows == by_row.total_rows == 3_060
        assert analyze_batches(formats.read_batches(path, found, 500), limit) == by_row
