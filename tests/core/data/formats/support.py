"""Small helpers of the format tests: write bytes, read them back, and look at what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data import formats
from core.data.formats import Detection
from core.messages import Reject, Row


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


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


# A record that is no row, and the code it gets.
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
