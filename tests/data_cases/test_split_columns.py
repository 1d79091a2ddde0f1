"""A column `split` is obeyed in tables converted by templates as in known shapes, and can be ignored."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.formats.parsing.batches import RowBatch, from_items
from core.messages import Reject, Row

SPLITS = ["train", "train", "Validation", "test", "dev", "train", "", "eval"]
QA = {"template": "qa", "mapping": {"key": "ask", "target": "say"}}
EXPECTED = {"train": 4, "validation": 3, "test": 1}


def splits(state: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many examples of each split there are; the same row by row and in batches."""
    recipe = Recipe.of(state)
    items: list[Row | Reject] = [Row(number, row) for number, row in enumerate(rows, 1)]
    labeler = Labeler(recipe, "t")
    found = Counter(item.example.split for item in labeler.run(items) if isinstance(item, Labeled))
    batched: Counter[str] = Counter()
    batches: list[RowBatch] = list(from_items(items))
    other = Labeler(recipe, "t")
    for item in other.run_batches(batches):
        if isinstance(item, Labeled):
            batched[item.example.split] += 1
        elif not isinstance(item, Reject):
            batched.update(item.example(at).split for at in range(len(item)))
    assert batched == found
    assert labeler.is_split == other.is_split == (set(found) != {"train"})
    return dict(found)


def table(name: str = "split") -> list[dict[str, Any]]:
    return [{"ask": f"Question {n}", "say": f"Answer {n}", name: split} for n, split in enumerate(SPLITS)]


@pytest.mark.parametrize("name", ["split", "Split", " SPLIT "])
def test_tables_by_a_template_keep_their_split(name: str) -> None:
    assert splits(QA, table(name)) == EXPECTED


def test_a_known_shape_keeps_its_split() -> None:
    chat = [
        {"messages": [{"role": "user", "content": row["ask"]}, {"role": "assistant", "content": row["say"]}],
         "split": row["split"]}
        for row in table()
    ]  # fmt: skip
    assert splits({"shape": "messages"}, chat) == EXPECTED
    assert splits({"shape": "messages", "without": ["split"]}, chat) == {"train": 8}
    pairs = [{"question": row["ask"], "answer": row["say"], "split": row["split"]} for row in table()]
    shape = "question_answer"
    assert splits({"shape": shape}, pairs) == EXPECTED
    assert splits({"shape": shape, "without": ["split"]}, pairs) == {"train": 8}


def test_it_is_ignored_by_choice_and_where_it_plays_another_part() -> None:
    assert splits({**QA, "without": ["split"]}, table()) == {"train": 8}
    as_target = {"template": "qa", "mapping": {"key": "ask", "target": "split"}}
    assert splits(as_target, table()) == {"train": 7}  # one has no answer
    beside = {"template": "qa", "mapping": {"key": "ask", "target": "say", "include": ["split_reason"]}}
    assert splits(beside, [{**row, "split_reason": "chance"} for row in table()]) == EXPECTED


def test_values_that_are_not_splits_are_not_obeyed() -> None:
    rows = [{"ask": f"Question {n}", "say": f"Answer {n}", "split": text} for n, text in enumerate(["left", "right"])]
    assert splits(QA, rows) == {"train": 2}
