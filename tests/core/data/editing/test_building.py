"""A new version that takes over what is stored is the same as one made example by example."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from core.data.editing import Dedupe, DropRows, Filter, Move, Operation, SampleRows, Split
from core.data.editing.building import Effect, build
from core.data.quality import structure
from core.data.versions.files import EXAMPLES, FINDINGS
from core.data.versions.rows import PROVENANCE, ProvenanceWriter, Rows
from core.data.versions.stored import StoredExamples
from core.data.versions.writer import VersionWriter, Written
from core.messages import Example, Message
from tests.core.data.editing.test_operations import EXAMPLES as EVERY_OPERATION
from tests.support.versions import pair

CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
QUARTER = Split(kind="random", share=0.25)
MORE = [
    *(Split(kind="group", by=by) for by in ("row", "system", "answer", "source")),
    Split(kind="random", seed=5),
]
MORE += [Split(kind="random", share=0), Filter(flags=("special_tokens",), keep=False), Filter(search="1", keep=False)]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Examples of every kind that a version holds, with what was found about them, and where some came from."""
    asked, said = Message("user", "Hi"), Message("assistant", "Hello “you”, 日本")
    examples = [pair(f"Question {n}?", f"Label {n % 3}", n + 1) for n in range(30)]
    examples[4] = pair("Question 1?", "A <|im_end|>", 5)
    examples[5:8] = [pair('Ünïcode 🙂 \\ "quoted"\n', "\tYes \u200b", 6), examples[1], examples[1]]
    examples += [
        pair("Held out", "Yes", 31, split="validation", system="Be kind.", flags=("keys_extra", "mine")),
        Example((asked, Message("assistant", "No", weight=0)), "src_2", 0),
        Example((asked, Message("assistant", "No", weight=0), asked, Message("assistant", "Yes", weight=1)), "", 0),
        Example((asked, Message("assistant", "", tool_calls=(CALL,)), Message("tool", "4", tool_call_id="1"), said)),
        Example((asked, Message("assistant", 'It has "weight" in it', name="ann")), "src_1", 40),
        Example((said, asked), "src_1", 41),
        pair("Long " * 3_000, "Yes", 42),
        pair("Question 37 1", "Yes", 43),
        pair("Question 38 1", "Yes", 44),
        pair("Question 39 1", "Yes", 45),
    ]
    with VersionWriter(tmp_path / "base", hold_out=0.1) as out:
        for example in examples:
            raw = [message.to_dict() for message in example.messages]
            out.add(example, structure.parse(raw, line=example.source_line).findings)
        out.finish()
    provenance = ProvenanceWriter(tmp_path / "base")
    for position, known in ((2, {"model": "a"}), (9, {"model": "b"}), (31, {"row": 3})):
        provenance.add(position, known)
    provenance.close()
    return tmp_path / "base"


def made(base: Path, folder: Path, operation: Operation, *, trusted: bool = True) -> tuple[Effect, Written]:
    rows = Rows(base / EXAMPLES)
    with VersionWriter(folder, hold_out=0.0) as out:
        effect = build(rows, operation, out, base / PROVENANCE, lambda done: None, trusted=trusted)
        return effect, out.finish()


@pytest.mark.parametrize("operation", [*EVERY_OPERATION.values(), *MORE], ids=lambda operation: operation.id)
def test_what_is_taken_over_unread_is_what_reading_it_gives(base, tmp_path, operation, monkeypatch):
    quick = made(base, tmp_path / "quick", operation)
    monkeypatch.setattr(StoredExamples, "__init__", lambda self, path: setattr(self, "current", False))
    slow = made(base, tmp_path / "slow", operation)
    assert quick == slow
    for name in (EXAMPLES, FINDINGS, PROVENANCE):
        one, other = (tmp_path / way / name for way in ("quick", "slow"))
        assert one.exists() == other.exists()
        if one.exists():
            assert pq.read_table(one) == pq.read_table(other), name
    assert pq.read_table(tmp_path / "quick" / EXAMPLES).schema == pq.read_table(base / EXAMPLES).schema


ONLY_THE_SET = [
    Split(kind="random", share=0.2),
    DropRows(positions=(0,)),
    SampleRows(size=20),
    Filter(split="train"),
    Dedupe(),
    Move(positions=(0,), split="validation"),
]


@pytest.mark.parametrize("operation", ONLY_THE_SET, ids=lambda operation: operation.id)
def test_messages_are_not_parsed_where_only_the_set_changes(tmp_path, operation, monkeypatch):
    from core.data.versions import rows as stored_rows

    with VersionWriter(tmp_path / "base", hold_out=0.0) as out:
        for number in range(40):
            out.add(pair(f"Question {number % 35}?", f"Label {number % 5}", number + 1))
        out.finish()
    parsed = []
    loads = stored_rows.json.loads
    monkeypatch.setattr(stored_rows.json, "loads", lambda text: parsed.append(text) or loads(text))
    with VersionWriter(tmp_path / "new", hold_out=0.0) as out:
        build(Rows(tmp_path / "base" / EXAMPLES), operation, out, None, lambda done: None, trusted=True)
        out.finish()
    assert len(parsed) == (1 if operation.id == "move" else 0)


def test_a_file_with_other_columns_is_read_example_by_example(base, tmp_path):
    whole = pq.read_table(base / EXAMPLES)
    expected = made(base, tmp_path / "expected", QUARTER)
    pq.write_table(
        whole.set_column(whole.schema.get_field_index("turns"), "turns", pc.cast(whole.column("turns"), pa.int64())),
        base / EXAMPLES,
    )
    assert not StoredExamples(base / EXAMPLES).current
    assert made(base, tmp_path / "new", QUARTER)[1].examples_sha256 == expected[1].examples_sha256


def test_stored_examples_are_taken_in_any_order(base, monkeypatch):
    monkeypatch.setattr("core.data.versions.stored._BATCH", 7)
    whole = pq.read_table(base / EXAMPLES)
    for wanted in ([0, 1, 2], [6, 7, 39], [30, 2, 2, 15, 14], list(range(40))):
        assert StoredExamples(base / EXAMPLES).take(wanted) == whole.take(wanted)
