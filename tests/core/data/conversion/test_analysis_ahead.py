"""Other processes analyze a file while it is stored: the result counts only for the same bytes, read the same way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data import formats
from core.data.conversion import analysis, analysis_ahead
from core.data.conversion.analysis_ahead import AnalysisAhead, analyzed_ahead
from core.data.formats import Reading
from tests.support.studio import is_gone

ROWS = 300


@pytest.fixture(autouse=True)
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis_ahead, "WORTH_FORKING", 1)
    monkeypatch.setattr(analysis_ahead, "may_fork", lambda: True)


def written(folder: Path, name: str) -> Path:
    rows = [{"question": f"What is {at}?", "answer": f"Item {at}.", "n": at} for at in range(ROWS)]
    texts = {
        "a.csv": "question,answer,n\n" + "".join(f"{r['question']},{r['answer']},{r['n']}\n" for r in rows),
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in rows) + "{broken\n",
        "a.json": json.dumps(rows, indent=1),
    }
    path = folder / name
    path.write_text(texts[name])
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_it_is_the_analysis_that_this_process_would_make(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    detection = formats.detect_file(path)
    with analyzed_ahead(path, Reading()) as ahead:
        found = ahead.of(detection)
    assert found == analysis.analyze_batches(formats.read_batches(path, detection))
    assert found is not None
    assert found.total_rows == ROWS + (name == "a.jsonl")


def test_a_file_that_has_changed_since_is_analyzed_again(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv")
    with analyzed_ahead(path, Reading()) as ahead:
        path.write_text(path.read_text() + "Why?,Because.,1\n")
        assert ahead.of(formats.detect_file(path)) is None


def test_a_file_that_is_read_in_another_way_is_analyzed_again(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv")
    with analyzed_ahead(path, Reading()) as ahead:
        assert ahead.of(replace(formats.detect_file(path), header=False)) is None


def test_what_cannot_be_read_is_said_by_the_next_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 but nothing else")
    with analyzed_ahead(path, Reading()) as ahead:
        assert ahead.of(formats.detect_file(written(tmp_path, "a.csv"))) is None


def test_a_format_with_a_reader_of_its_own_is_left_to_it(tmp_path: Path) -> None:
    """Three of them at once would need three times the memory."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"question": ["Why?"] * 9, "answer": ["Because."] * 9}), path)
    with analyzed_ahead(path, Reading()) as ahead:
        assert ahead.is_running
        assert ahead.of(formats.detect_file(path)) is None


def test_a_missing_file_starts_nothing(tmp_path: Path) -> None:
    ahead = AnalysisAhead(tmp_path / "none.csv", Reading())
    assert ahead._helper is None
    assert ahead.of(formats.detect_file(written(tmp_path, "a.csv"))) is None


def test_nothing_is_left_running(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv")
    with analyzed_ahead(path, Reading()) as ahead:
        assert ahead._helper is not None
        assert ahead._counter is not None
        pids = [helper._process.pid for helper in (ahead._helper, ahead._counter)]
    assert all(pid and is_gone(pid) for pid in pids)
