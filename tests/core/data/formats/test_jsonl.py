"""JSONL: a bad line rejects only itself, and objects printed over several lines are read as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.messages import Reject
from tests.core.data.formats.support import BAD_LINES, detect, put, read, rejected, rows


@pytest.mark.parametrize(("line", "code"), BAD_LINES, ids=[f"{code}-{n}" for n, (_, code) in enumerate(BAD_LINES)])
def test_a_bad_line_costs_only_itself(tmp_path: Path, line: str, code: str) -> None:
    good = '{"q": "a", "n": 1.5}'
    items = read(put(tmp_path, "a.jsonl", f"{good}\n\n{line}\n{good}\n"))
    assert rejected(items) == [(code, 3)]
    assert [number for number, _ in rows(items)] == [1, 4]
    found = next(item for item in items if isinstance(item, Reject))
    assert found.findings[0].remedy
    assert found.raw == line


def test_pretty_printed_objects_named_jsonl(tmp_path: Path) -> None:
    text = "\n".join(json.dumps({"a": n, "b": {"c": [n]}}, indent=2) for n in range(3))
    path = put(tmp_path, "a.jsonl", text)
    assert (detect(path).format, detect(path).layout) == ("jsonl", "values")
    assert rows(read(path)) == [(1 + 8 * n, {"a": n, "b": {"c": [n]}}) for n in range(3)]


def test_lines_that_are_arrays_are_lines(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", '[{"a": 1}]\n[{"a": 2}]\n[{"a": 3}]\n')
    assert rejected(read(path)) == [("json_no_rows", 1), ("json_no_rows", 2), ("json_no_rows", 3)]
    cut = put(tmp_path, "b.json", '[\n{"a": 1}')
    assert detect(cut).format == "json"
