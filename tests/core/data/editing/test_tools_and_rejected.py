"""No operation loses the tools, the rejected answer or the test split of an example that it does not change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from core.data.editing import OPERATIONS, Dedupe, EditRows, Filter, Move, Redact, Split, operation_of
from core.data.editing.building import build, count
from core.data.versions import reader
from core.data.versions.files import ADDED_LATER, EXAMPLES
from core.data.versions.rows import Rows
from core.data.versions.writer import VersionWriter
from core.errors import DataError
from core.messages import SPLITS, Example, Message
from tests.core.data.editing.test_operations import EXAMPLES as OPERATION_OF
from tests.support.versions import pair, stored

TOOL = {"type": "function", "function": {"name": "f", "description": "Asks ann@example.org", "parameters": {}}}
OTHER = {"type": "function", "function": {"name": "g"}}
WORSE = (Message("assistant", "Ask bob@example.org."),)


def full() -> list[Example]:
    examples = [
        replace(pair(f"Question {n}?", f"Label {n % 3}", n + 1, split=SPLITS[n % 3]), tools=(TOOL,), rejected=WORSE)
        for n in range(40)
    ]
    examples[8] = replace(examples[8], messages=examples[9].messages)
    return examples


def built(rows: Rows, operation: Any, folder: Path, *, trusted: bool = True) -> list[Example]:
    with VersionWriter(folder, hold_out=0.0) as out:
        effect = build(rows, operation, out, None, lambda done: None, trusted=trusted)
        written = out.finish()
    assert (effect.train, effect.validation, effect.test) == (
        written.train_examples, written.validation_examples, written.test_examples,
    )  # fmt: skip
    assert effect == count(rows, operation)
    return list(reader.iterate(folder / EXAMPLES))


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", OPERATIONS.ids())
def test_every_operation_leaves_them(name: str, trusted: bool, tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", full())
    operation = operation_of(OPERATION_OF[name].to_dict())
    kept = [example for example in built(rows, operation, tmp_path / "out", trusted=trusted) if example.source]
    assert len(kept) > 5
    if name == "redact":
        assert all(example.rejected[0].content == "Ask [EMAIL]." for example in kept)
        assert all(example.tools[0]["function"]["description"] == "Asks [EMAIL]" for example in kept)
        return
    assert all(example.tools == (TOOL,) and example.rejected == WORSE for example in kept)
    before = {example.source_line: example.split for example in full()}
    if name not in ("move", "edit_rows"):
        assert all(example.split == "test" for example in kept if before[example.source_line] == "test")


def test_a_split_never_takes_from_the_test_part_and_keeps_equal_messages_together(tmp_path: Path) -> None:
    twins = [replace(pair(f"Q{n // 2}", "A", n + 1), rejected=(Message("assistant", f"No {n}."),)) for n in range(20)]
    rows = stored(tmp_path / "v", [*twins, *(pair(f"T{n}", "A", 50 + n, split="test") for n in range(30))])
    for operation in (
        Split(kind="random", share=0.4),
        Split(kind="stratified", share=0.4),
        Split(kind="group", by="input", share=0.4),
    ):
        made = [result.result() for result in operation.apply(rows)]
        parts = [example.split for example in made]
        assert parts[20:] == ["test"] * 30
        assert parts[:20].count("validation") == 8
        assert parts[0:20:2] == parts[1:20:2]
    assert [result.part for result in Split(kind="random", share=0).apply(rows)] == ["train"] * 20 + ["test"] * 30


def test_tools_and_rejected_answers_are_edited_and_checked(tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", full())
    worse = ({"role": "assistant", "content": "Worse."},)
    operation = EditRows(tools={0: (OTHER,), 1: ()}, rejected={1: (), 2: worse}, splits={3: "test"})
    made = built(rows, operation_of(operation.to_dict()), tmp_path / "out")
    assert [example.tools for example in made[:3]] == [(OTHER,), (), (TOOL,)]
    assert [example.rejected for example in made[:3]] == [WORSE, (), (Message("assistant", "Worse."),)]
    assert made[3].split == "test"
    assert count(rows, operation).changed == 4
    for wrong, code in (({"tools": {0: ({"name": "f"},)}}, "tools_invalid"),
                        ({"rejected": {0: ({"role": "user", "content": "x"},)}}, "rejected_invalid")):  # fmt: skip
        with pytest.raises(DataError, match="Example 1") as refused:
            list(EditRows(**wrong).apply(rows))
        assert refused.value.code == code


def test_another_rejected_answer_is_another_example_for_duplicates(tmp_path: Path) -> None:
    one = pair("Q", "A", 1)
    pairs = [replace(one, rejected=(Message("assistant", text),)) for text in ("x", "y", "x")]
    rows = stored(tmp_path / "v", [one, *pairs, replace(one, tools=(TOOL,)), one])
    assert [result.origin.position for result in Dedupe().apply(rows) if result.origin] == [0, 1, 2, 4]


def test_search_finds_tools_and_rejected_answers(tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", [pair("Q", "A", 1), *full()[:2], replace(pair("W", "V", 9), tools=(OTHER,))])
    for text, positions in (("bob@", [1, 2]), ("ASKS ann", [1, 2]), ('"g"', [3]), ("v", [3])):
        found = [entry.position for entry in rows if Filter(search=text).matches(entry)]
        assert found == [item.position for item in reader.page(rows.path, 0, 10, text).items] == positions, text


def test_versions_of_an_earlier_release_are_edited(tmp_path: Path) -> None:
    rows = stored(tmp_path / "v", [pair(f"Q{n}", "A", n + 1) for n in range(12)])
    pq.write_table(pq.read_table(rows.path).drop_columns(list(ADDED_LATER)), rows.path)
    rows = Rows(rows.path)
    made = built(rows, Move(positions=(0,), split="test"), tmp_path / "out")
    assert [example.split for example in made] == ["test", *["train"] * 11]
    assert not any(example.tools or example.rejected for example in made)
    assert built(Rows(tmp_path / "out" / EXAMPLES), Redact(positions=(0,)), tmp_path / "again") == made
