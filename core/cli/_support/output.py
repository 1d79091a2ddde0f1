"""Results on stdout: one JSON object per line, or an aligned table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

# Lone surrogates, which have no UTF-8, and characters that other programs treat as the end of a line. JSON contains
# them only in strings, where an escape is equivalent.
_ESCAPED = re.compile("[\x7f\x85\u2028\u2029\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # what a terminal acts upon, or ends a line at


def print_json(value: Any) -> None:
    """Print one JSON value on one line, as UTF-8."""
    print(json_text(value), flush=True)


def json_text(value: Any) -> str:
    """One JSON value on one line."""
    text = json.dumps(plain(value), ensure_ascii=False, default=str)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def plain(value: Any) -> Any:
    """Dataclasses and mappings as plain dictionaries, ready for JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print left-aligned columns under headings, easy to read and to `cut`; each row is one line."""
    cells = [list(headings), *([_CONTROL.sub("\ufffd", str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def moment(seconds: float | None) -> str:
    """Unix seconds as local date and time, or a dash."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if seconds else "-"


def state_word(state: str, *, waits: bool) -> str:
    """The state of a task or job; one that began and that no worker holds waits to resume, as the screens say."""
    return "waiting to resume" if waits else state
