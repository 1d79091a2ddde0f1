"""Records that share one physical line, as in JSON without line ends: what is found names the record."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

from core.data import formats
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.templates import ColumnMapping
from core.data.examples.columns import ExampleColumns
from core.messages import Finding, Reject, SharedLine
from tests.core.data.formats.support import detect, put, read, rows


def test_rejects_of_one_line_name_their_record(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", '[{"q": "x"}, {"q": NaN}, {"q": "y"}, {}, 7]')
    bad = [item.findings[0] for item in read(path) if isinstance(item, Reject)]
    assert [(item.line, item.message.partition(":")[0]) for item in bad] == [
        (1, "Record 2"),
        (1, "Record 4"),
        (1, "Record 5"),
    ]


def test_findings_about_rows_of_one_line_name_their_record(tmp_path: Path) -> None:
    table = [{"question": f"What is berth {n}?", "answer": "" if n in (0, 7) else f"Berth {n}"} for n in range(12)]
    path = put(tmp_path, "a.json", json.dumps(table))
    recipe = Recipe(template="qa", mapping=ColumnMapping(key="question", target="answer"))
    for items in (
        Labeler(recipe, "x").run(formats.read(path, detect(path))),
        Labeler(recipe, "x").run_batches(formats.read_batches(path, detect(path))),
    ):
        messages = [found.message for item in items for found in _findings(item)]
        assert [message.partition(":")[0] for message in messages] == ["Record 1", "Record 8"]


def _findings(item: Reject | Labeled | ExampleColumns) -> list[Finding]:
    if isinstance(item, Reject):
        return list(item.findings)
    return item.in_order() if isinstance(item, ExampleColumns) else list(item.findings)


def test_a_record_on_lines_of_its_own_is_named_by_its_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", '[\n{"q": NaN},\n{"q": "y"}\n]')
    (bad,) = [item.findings[0] for item in read(path) if isinstance(item, Reject)]
    assert (bad.line, "Record" in bad.message) == (2, False)
    assert not any(isinstance(line, SharedLine) for line, _ in rows(read(path)))


def test_the_line_stays_an_int_everywhere() -> None:
    line = SharedLine(3, 17)
    assert (line, line + 2, (line + 2).record, json.dumps(line), f"{line:,}") == (3, 5, 17, "3", "3")
    again = pickle.loads(pickle.dumps(line))
    assert (again, again.record) == (3, 17)
