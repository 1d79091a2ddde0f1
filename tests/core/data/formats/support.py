"""Small helpers of the format tests: write files of each format, read them, and look at rows and rejects."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.data import formats
from core.data.formats import Detection
from core.messages import Reject, Row
from tests.support.workbook import write_sheets


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def _write_csv(path: Path, records: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(records[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(records)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


WRITERS: dict[str, Callable[[Path, list[dict[str, str]]], object]] = {
    "csv": _write_csv,
    "json": lambda path, records: path.write_bytes(_json(records)),
    "jsonl": lambda path, records: path.write_bytes(b"".join(_json(record) + b"\n" for record in records)),
    "parquet": lambda path, records: pq.write_table(pa.Table.from_pylist(records), path),
    "xlsx": lambda path, records: write_sheets(
        path, {"Sheet1": [list(records[0]), *(list(record.values()) for record in records)]}
    ),
}


def read(path: Path, **overrides: Any) -> list[Row | Reject]:
    return list(formats.read(path, formats.detect_file(path, path.name, overrides)))


def detect(path: Path, **overrides: Any) -> Detection:
    return formats.detect_file(path, path.name, overrides)


def rows(items: list[Row | Reject]) -> list[tuple[int, dict[str, Any]]]:
    """(line, fields) of the accepted rows."""
    return [(item.line, dict(item.fields)) for item in items if isinstance(item, Row)]


def rejected(items: list[Row | Reject]) -> list[tuple[str, int | None]]:
    """(code, line of the fault) of the rejected rows."""
    return [(item.findings[0].code, item.findings[0].line) for item in items if isinstance(item, Reject)]


# A record that is not a row, and its code.
BAD_LINES = [
    ('{"a": NaN}', "json_syntax"),
    ('{"a": -Infinity}', "json_syntax"),
    ('{"a": 1e400}', "json_number"),
    ('{"a": ' + "9" * 5_000 + "}", "json_number"),
    ('{"a": 1, "a": 2}', "json_duplicate_key"),
    ('{"x": {"a": 1, "a": 2}}', "json_duplicate_key"),
    ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "json_depth"),
    ("{" * 100_000, "json_depth"),
    ('{"a": 1} {"b": 2}', "json_syntax"),
    ('{"a": 1}{"b": 2}', "json_syntax"),
    ('{"a": 1} // a comment', "json_syntax"),
    ('{"a": 1,}', "json_syntax"),
    ("{'a': 1}", "json_syntax"),
    ('{"a": "tab\tinside"}', "json_syntax"),
    ('{"a": "\\ud800"}', "lone_surrogate"),
    ('{"a": "\\u0000"}', "nul"),
    ('{"a": "x\0y"}', "nul"),
    ('{"a": 01}', "json_syntax"),
    ('{"a": "cut', "json_syntax"),
    ("[1, 2]", "json_no_rows"),
    ('"text"', "json_no_rows"),
    ("null", "json_no_rows"),
    ("{}", "json_no_rows"),
    ("plain words", "json_syntax"),
]
