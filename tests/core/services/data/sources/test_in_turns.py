"""A file that two processes read and check by turns has the same report as one that is read from front to back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from core.data import formats
from core.data.conversion import analysis
from core.data.conversion.analysis import Analysis
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.late_fields import LateFields
from core.data.examples.identity import stored
from core.data.formats import reading
from core.data.formats.parsing import csv_columns
from core.data.formats.pieces import stretches
from core.data.versions import batch_file
from core.data.versions.files import UNSPLIT_SCHEMA
from core.data.versions.ready import ReadyExamples
from core.platform.forking import Forked
from core.services.data.sources import files, reading_ahead

T = TypeVar("T")
QA = {"template": "qa", "mapping": {"key": "question", "target": "answer"}, "options": {}}
TEXTS = ["Fine.", "<s>", "", "two\nlines", "\u200bhidden", "Fine.", "N/A", "é" * 30]


def _both(look: Callable[[], T]) -> tuple[T, T]:
    """What `look` finds when it reads from front to back, and by turns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_ahead, "may_fork", lambda: False)
        patch.setattr(reading, "WORTH_CUTTING", 1 << 40)
        plain = look()
    forks: list[Forked[Any]] = []

    def fork(*arguments: Any) -> Forked[Any]:
        forks.append(Forked(*arguments))
        return forks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_ahead, "may_fork", lambda: True)
        patch.setattr(reading_ahead, "Forked", fork)
        patch.setattr(reading_ahead, "_WORTH_FORKING", 1)
        patch.setattr(reading, "WORTH_CUTTING", 1)
        patch.setattr(stretches, "SIZE", 2_000)
        patch.setattr(csv_columns, "_LEAST_RECORDS", 1)
        in_turns = look()
    assert len(forks) >= 2
    return plain, in_turns


def _reports(path: Path) -> tuple[files.FileReport, files.FileReport]:
    return _both(lambda: files.inspect(path))


def _converted(path: Path, recipe: Recipe) -> dict[str, Any]:
    """Everything that a conversion makes of a file, row by row."""
    labeler, late = Labeler(recipe, "src_1"), LateFields()
    made: list[Any] = []
    rejects: list[Any] = []
    findings: list[Any] = []
    for item in reading_ahead.examples(labeler, path, formats.detect_file(path), path.parent / "saved", late=late):
        if isinstance(item, ReadyExamples):
            saved = batch_file.read([item.batch], UNSPLIT_SCHEMA) if len(item) else []
            rows = [row for batch in saved for row in batch.select(["messages", "split", "source_line"]).to_pylist()]
            made += [tuple(row.values()) for row in rows]
            rejects += item.rejects
            findings += item.findings
        elif isinstance(item, Labeled):
            made.append((stored(item.example.messages), item.example.split, item.example.source_line))
            findings += item.findings
        else:
            rejects.append(item)
            findings += item.findings
    counts = (labeler.read, labeler.rejected, labeler.examples, labeler.is_split)
    rows_of_late = {name: list(rows) for name, rows in late.rows.items()}
    return {"made": made, "rejects": rejects, "findings": findings, "counts": counts, "late": rows_of_late}


@pytest.mark.parametrize("name", ["messages.jsonl", "alpaca.json", "table.csv"])
def test_conversions_are_equal(tmp_path: Path, name: str) -> None:
    path, recipe = (
        tmp_path / name,
        Recipe.of({"shape": name.split(".")[0], "options": {}} if name != "table.csv" else QA),
    )
    rows: list[dict[str, Any]] = []
    for at in range(3_000):
        question, answer = f"What is {at}?", TEXTS[at % len(TEXTS)]
        if name == "messages.jsonl":
            role = "developer" if at % 500 in (3, 4) else "system"
            if at % 500 == 3:
                answer = ""  # a rejected row has notes too
            turns = [(role, "Be kind."), ("user", question), ("assistant", answer)]
            rows.append({"messages": [{"role": role, "content": text} for role, text in turns]})
            if at > 2_990:
                rows[-1]["split"] = "train"
        else:
            rows.append({"instruction": question, "output": answer})
        if at > 2_400 and at % 7 == 0:
            rows[-1]["late"] = f"value {at}"
    if name == "table.csv":
        lines = [f'{row["instruction"]},"{row["output"]}",{row.get("late", "")}' for row in rows]
        path.write_text("\n".join(["question,answer,late", *lines, ""]))
    elif name == "alpaca.json":
        path.write_text(json.dumps(rows, indent=1))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain, in_turns = _both(lambda: _converted(path, recipe))
    assert in_turns == plain
    assert plain["counts"][0] == 3_000
    assert plain["counts"][1] > 0
    assert len(plain["late"]["late"]) == 50
    assert plain["counts"][3] == (name == "messages.jsonl")


@pytest.mark.parametrize("name", ["alpaca.json", "table.csv"])
def test_conversions_of_a_file_with_a_broken_part_are_equal(tmp_path: Path, name: str) -> None:
    path, recipe = tmp_path / name, Recipe.of(QA if name == "table.csv" else {"shape": "alpaca", "options": {}})
    rows = [{"instruction": f"What is {at}?", "output": TEXTS[at % len(TEXTS)]} for at in range(3_000)]
    lines = [json.dumps(row) for row in rows]
    if name == "table.csv":
        lines = [f'{row["instruction"]},"{row["output"]}"' for row in rows]
    lines[1_700] = 'one "odd cell' if name == "table.csv" else '{"instruction": }'
    separator, begin, end = ("\n", "question,answer\n", "\n") if name == "table.csv" else (",\n", "[", "]")
    path.write_text(f"{begin}{separator.join(lines)}{end}")
    plain, in_turns = _both(lambda: _converted(path, recipe))
    assert in_turns == plain
    assert plain["counts"][0] >= 1_700


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv"])
def test_reports_are_equal(tmp_path: Path, name: str, broken: bool) -> None:
    rows = [{"instruction": f"Say {at % 190}", "input": "", "output": TEXTS[at % len(TEXTS)]} for at in range(200)]
    written = [json.dumps(row) for row in rows]
    if name == "a.csv":
        written = [f'{row["instruction"]},"{row["output"]}"' for row in rows]
    if broken:
        written[120] = "one cell" if name == "a.csv" else '{"instruction": }'
    ways = {"a.json": f"[{', '.join(written)}]", "a.csv": "\n".join(["question,answer", *written, ""])}
    path = tmp_path / name
    path.write_text(ways.get(name, "\n".join([*written, ""])), encoding="utf-8")
    plain, in_turns = _reports(path)
    assert in_turns == plain
    assert plain.read == 200
    assert plain.rejected >= 25 + broken


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv"])
def test_analyses_are_equal(tmp_path: Path, name: str, broken: bool) -> None:
    """The rows behind the profiled ones are counted by others; the last row says whether it is a total."""
    rows = [{"item": f"Say {at}", "amount": at, "note": TEXTS[at % len(TEXTS)]} for at in range(400)]
    written = [json.dumps(row) for row in rows]
    if name == "a.csv":
        written = [f'{row["item"]},{row["amount"]},"{row["note"]}"' for row in rows]
        written[-1] = "Total,79401,"
    if broken:
        written[300] = "one cell" if name == "a.csv" else '{"item": }'
    ways = {"a.json": f"[{', '.join(written)}]", "a.csv": "\n".join(["item,amount,note", *written, ""])}
    path = tmp_path / name
    path.write_text(ways.get(name, "\n".join([*written, ""])), encoding="utf-8")
    detection = formats.detect_file(path)

    def look() -> Analysis:
        tallies = reading_ahead.tallies(path, detection)
        return analysis.analyze_batches(formats.read_batches(path, detection), 250, tallies)

    plain, in_turns = _both(look)
    assert in_turns == plain
    assert (plain.total_rows, plain.profiled_rows) == (400, 250)
    assert plain.rejected_rows == broken
    assert bool(plain.totals) == (name == "a.csv")


def test_a_file_that_cannot_be_cut_is_counted_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "_WORTH_FORKING", 1)
    monkeypatch.setattr(reading_ahead, "may_fork", lambda: True)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"question,answer\nWhy?,Because.\n" * 100))
    assert reading_ahead.tallies(path, formats.detect_file(path)) is None
