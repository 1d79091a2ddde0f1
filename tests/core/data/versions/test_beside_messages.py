"""Tools, a rejected answer and the test split are part of an example from the file to the version and back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.examples import identity
from core.data.versions import reader
from core.data.versions.files import ADDED_LATER, EXAMPLES, example_row
from core.data.versions.rows import Rows
from core.data.versions.stored import StoredExamples
from core.data.versions.writer import HOLD_OUT_FROM, VersionWriter, Written
from core.messages import Example, Message, Row

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def example(number: int, **beside: Any) -> Example:
    return Example((Message("user", f"q{number}"), Message("assistant", f"a{number}")), "src", number + 1, **beside)


PLAIN = [example(0), example(1, split="validation")]
FULL = [
    example(2, tools=(TOOL,)),
    example(3, rejected=(Message("assistant", "wörse\n"),), split="test"),
    example(4, tools=(TOOL,), rejected=(Message("assistant", "", tool_calls=(CALL,)), Message("assistant", "w"))),
]


def write(folder: Path, examples: list[Example]) -> Written:
    with VersionWriter(folder) as out:
        for item in examples:
            out.add(item)
        return out.finish()


def test_a_version_gives_back_what_was_written(tmp_path: Path) -> None:
    written = write(tmp_path, [*PLAIN, *FULL])
    assert (written.train_examples, written.validation_examples, written.test_examples) == (3, 1, 1)
    assert written.counts(read=5).test == 1
    path = tmp_path / EXAMPLES
    assert list(reader.iterate(path)) == [*PLAIN, *FULL]
    assert [item.example for item in reader.page(path, 0, 10).items] == [*PLAIN, *FULL]
    assert [item.example for item in reader.at(path, [3])] == [FULL[1]]
    assert [entry.example for entry in Rows(path)] == [*PLAIN, *FULL]
    figures = reader.statistics(path)
    assert (figures.train_examples, figures.validation_examples, figures.test_examples) == (3, 1, 1)


def test_the_hash_of_examples_without_them_is_what_it_was(tmp_path: Path) -> None:
    was = hashlib.sha256()
    for item in PLAIN:
        was.update(f"{item.split}\t{identity.stored(item.messages)}\n".encode())
    assert write(tmp_path / "a", PLAIN).examples_sha256 == was.hexdigest()
    hashes = {write(tmp_path / str(n), [*PLAIN, item]).examples_sha256 for n, item in enumerate(FULL)}
    bare = {write(tmp_path / f"{n}b", [*PLAIN, example(n + 2, split=item.split)]).examples_sha256
            for n, item in enumerate(FULL)}  # fmt: skip
    assert len(hashes | bare) == 6


def test_a_version_without_the_columns_has_none(tmp_path: Path) -> None:
    write(tmp_path, PLAIN)
    path = tmp_path / EXAMPLES
    pq.write_table(pq.read_table(path).drop_columns(list(ADDED_LATER)), path)
    assert list(reader.iterate(path)) == [entry.example for entry in Rows(path)] == PLAIN
    assert [item.example for item in reader.page(path, 0, 10).items] == PLAIN
    stored = StoredExamples(path)
    assert stored.current
    assert stored.take([1]).to_pylist() == [{**example_row(1, PLAIN[1], ()), "tools": None, "rejected": None}]


def test_what_makes_two_examples_the_same() -> None:
    keys = [identity.identity(identity.stored_example(item)) for item in (*FULL, example(2), example(3), example(4))]
    assert len(set(keys)) == 6
    respelled = example(2, tools=(dict(reversed(TOOL.items())),))
    assert identity.identity(identity.stored_example(respelled)) == keys[0]
    assert identity.decoded_key(respelled) == identity.decoded_key(FULL[0])
    assert identity.identity(identity.stored_example(example(2))) == identity.identity_of(example(2).messages)


def test_tokens_count_the_tools() -> None:
    with_tools, without = (example_row(0, item, ())["tokens"] for item in (FULL[0], example(2)))
    assert with_tools > without + 15


def labeled(fields: list[dict[str, Any]]) -> tuple[Labeler, list[Any]]:
    labeler = Labeler(Recipe(shape="messages"), "src")
    return labeler, list(labeler.run(Row(number, row) for number, row in enumerate(fields, 1)))


CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
WORSE = [{"role": "assistant", "content": "w"}]


def test_the_messages_shape_reads_them() -> None:
    bare = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
    rows = [{"messages": CHAT, "Split": "Test", "tools": [bare], "rejected": WORSE}, {"messages": CHAT}]
    labeler, made = labeled(rows)
    assert all(isinstance(item, Labeled) and not item.findings for item in made)
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    assert made[0].example == Example(
        (Message("user", "q"), Message("assistant", "a")), "src", 1, "test",
        tools=({"type": "function", "function": function},), rejected=(Message("assistant", "w"),),
    )  # fmt: skip
    assert made[1].example.split == "train"
    assert labeler.is_split
    assert not labeled([{"messages": CHAT, "split": ""}])[0].is_split


@pytest.mark.parametrize(("fields", "code", "severity"), [
    ({"tools": {"name": "f"}}, "tools_invalid", "error"),
    ({"tools": [{"type": "function"}]}, "tools_invalid", "error"),
    ({"tools": [{"type": "function", "function": {"name": " "}}]}, "tools_invalid", "error"),
    ({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}, "tools_invalid", "error"),
    ({"rejected": "w"}, "rejected_invalid", "error"),
    ({"rejected": [{"role": "user", "content": "w"}]}, "rejected_invalid", "error"),
    ({"rejected": [*WORSE, CHAT[0], CHAT[1]]}, "rejected_invalid", "error"),
    ({"rejected": [{"role": "assistant", "content": " "}]}, "rejected_invalid", "error"),
    ({"rejected": [{"role": "assistant", "content": "a"}]}, "rejected_same", "warning"),
    ({"split": "fold 3"}, "split_unknown", "warning"),
])  # fmt: skip
def test_what_is_wrong_is_a_finding_with_its_line(fields: dict[str, Any], code: str, severity: str) -> None:
    _, (item,) = labeled([{"messages": CHAT, **fields}])
    assert [(found.code, found.severity, found.line) for found in item.findings] == [(code, severity, 1)]
    assert all(found.remedy and found.field for found in item.findings)
    assert isinstance(item, Labeled) is (severity == "warning")


def test_a_call_of_a_tool_that_is_not_declared_is_a_warning() -> None:
    calling = [CHAT[0], {"role": "assistant", "content": "", "tool_calls": [CALL]},
               {"role": "tool", "content": "x", "tool_call_id": "1"}, CHAT[1]]  # fmt: skip
    other = {"type": "function", "function": {"name": "g"}}
    _, (declared, undeclared, silent) = labeled(
        [{"messages": calling, "tools": [TOOL]}, {"messages": calling, "tools": [other]}, {"messages": calling}]
    )
    assert not declared.findings
    assert [found.code for found in undeclared.findings] == ["tool_undeclared"]
    assert not silent.findings


def test_nothing_is_held_out_where_the_file_says_the_splits(tmp_path: Path) -> None:
    examples = [example(number) for number in range(HOLD_OUT_FROM)]
    assert write(tmp_path / "a", examples).validation_examples == HOLD_OUT_FROM // 10
    assert write(tmp_path / "b", [*examples, example(900, split="test")]).validation_examples == 0
    with VersionWriter(tmp_path / "c") as out:
        for item in examples:
            out.add(item)
        out.is_split = True
        assert out.finish().train_examples == HOLD_OUT_FROM
