"""Unreadable rows repaired by hand: only their records change, all other bytes are unchanged."""

from __future__ import annotations

import io

import pytest

from core.data.samples.tables import open_sample
from core.errors import DataError
from core.messages import Reject
from core.services.data import sources
from core.services.data.sources import repairs

pytestmark = pytest.mark.usefixtures("studio_env")


def stored(content: bytes, name: str = "table.csv", **overrides: object) -> str:
    return sources.ingest(io.BytesIO(content), name, overrides=overrides).id


def test_only_the_broken_records_change() -> None:
    content = "question;answer\r\nWas kostet es?;3 €\r\nzu;viel;Zellen\r\nWie groß?;10 m²\r\nwenig\r\n".encode("cp1252")
    source_id = stored(content)
    broken = repairs.broken_rows(source_id)
    assert [(row.line, row.raw) for row in broken] == [(3, "zu;viel;Zellen"), (5, "wenig")]
    fixed = repairs.repair(source_id, {3: '"zu;viel";Zellen', 5: ""})
    assert fixed.filename == "table (repaired).csv"
    assert sources.local_path(fixed.id).read_bytes() == (
        'question;answer\r\nWas kostet es?;3 €\r\n"zu;viel";Zellen\r\nWie groß?;10 m²\r\n'.encode("cp1252")
    )
    rows = list(sources.read(fixed.id))
    assert not any(isinstance(row, Reject) for row in rows)
    assert len(rows) == 3
    assert sources.local_path(source_id).read_bytes() == content, "the upload stays as it came"


def test_a_json_line_is_put_right() -> None:
    source_id = stored(b'{"q": "a", "a": "b"}\n{"q": "c", \n{"q": "e", "a": "f"}\n', "rows.jsonl")
    (broken,) = repairs.broken_rows(source_id)
    fixed = repairs.repair(source_id, {broken.line: '{"q": "c", "a": "d"}'})
    assert [row.fields["a"] for row in sources.rows(fixed.id)] == ["b", "d", "f"]


def test_a_repaired_file_is_read_the_same_way() -> None:
    with open_sample("helpdesk_export.csv") as stream:
        source = sources.ingest(stream, "helpdesk_export.csv", overrides={"skip_lines": 2})
    broken = repairs.broken_rows(source.id)
    assert len(broken) == 2
    texts = {row.line: '1026;2026-02-04;product;"Bamboo canes; two metres?";Yes.' for row in broken[:1]}
    fixed = repairs.repair(source.id, texts)
    assert fixed.detection.skip_lines == 2
    assert fixed.encoding == "cp1252"
    assert len(repairs.broken_rows(fixed.id)) == 1
    assert sources.analyze(fixed.id).columns[0].name == "ticket"


def test_an_impossible_repair_is_refused_at_its_line() -> None:
    source_id = stored("question;answer\nWas?;3 €\nzu;viel;Zellen\n".encode("cp1252"), encoding="cp1252")
    with pytest.raises(DataError, match="No row was changed"):
        repairs.repair(source_id, {3: "zu;viel;Zellen"})
    with pytest.raises(DataError, match="no unreadable row on line 2"):
        repairs.repair(source_id, {2: "a;b"})
    with pytest.raises(DataError, match="cannot be written in cp1252") as caught:
        repairs.repair(source_id, {3: "Łódź;ja"})
    assert caught.value.field == "3"


def test_damaged_bytes_on_other_lines_are_unchanged() -> None:
    content = b"q,a\n\xff bad,row\none,two,three\nx,y\n"
    source_id = stored(content, encoding="utf-8")
    lines = [row.line for row in repairs.broken_rows(source_id)]
    assert lines == [2, 3]
    fixed = repairs.repair(source_id, {3: "one,two"})
    assert sources.local_path(fixed.id).read_bytes() == content.replace(b"one,two,three", b"one,two")


def test_rows_of_another_width_are_read_with_one_choice() -> None:
    source = sources.get(stored(b"id,q,a\n1,x,y\n2,z\n3,v,w, and more\n4,t,u\n5,r,s\n6,o,p\n"))
    ways = dict(repairs.ways_to_fit(source, repairs.broken_rows(source.id)))
    fill, join = ways.values()
    assert list(ways) == [
        "Rows with too few cells: fill them with blanks", "Rows with too many cells: the last column takes the rest",
    ]  # fmt: skip
    sources.set_detection(source.id, fill)
    assert [row.findings[0].line for row in repairs.broken_rows(source.id)] == [4]
    sources.set_detection(source.id, {**join, "short_rows": "fill"})
    assert repairs.broken_rows(source.id) == []
    assert repairs.ways_to_fit(sources.get(source.id), ()) == []
