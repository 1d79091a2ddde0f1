"""A file that two processes read and check by turns has the same report as one that is read from front to back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.data.formats import reading
from core.data.formats.parsing import csv_columns
from core.data.formats.pieces import stretches
from core.services.data.sources import files, reading_ahead

TEXTS = ["Fine.", "<s>", "", "two\nlines", "\u200bhidden", "Fine.", "N/A", "é" * 30]


def _reports(path: Path) -> tuple[files.FileReport, files.FileReport]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_ahead, "may_fork", lambda: False)
        patch.setattr(reading, "WORTH_CUTTING", 1 << 40)
        plain = files.inspect(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_ahead, "_WORTH_FORKING", 1)
        patch.setattr(reading, "WORTH_CUTTING", 1)
        patch.setattr(stretches, "SIZE", 2_000)
        patch.setattr(csv_columns, "_LEAST_RECORDS", 1)
        return plain, files.inspect(path)


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
