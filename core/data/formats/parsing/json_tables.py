"""JSON whose rows are not objects: lists of cells, an object of columns, or an object of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from core.data.formats.parsing import strict_json
from core.data.formats.parsing.json_text import first_value
from core.errors import DataError
from core.messages import Reject, Row, SharedLine

_SAMPLE = 200
_NAMES = re.compile(r'"(?:columns|column_names|headers?|fields)"\s*:\s*(?=\[)')
_MEMBERS = 3  # an object of so many objects with the same keys is a table, whatever its keys are


def lists_of(items: Iterable[Row | Reject]) -> list[list[Any]]:
    """The first records as lists of cells; [] where most of them are not lists."""
    first = list(islice(items, _SAMPLE))
    texts = [item.raw for item in first if isinstance(item, Reject) and item.findings[0].code == "json_no_rows"]
    lists = []
    for text in texts:
        if text.lstrip()[:1] == "[":
            value = strict_json.loads(text)
            cells = isinstance(value, list) and not all(isinstance(cell, dict) for cell in value)
            lists += [value] if cells else []
    begins = bool(first) and isinstance(first[0], Reject) and first[0].raw.lstrip()[:1] == "["
    return lists if begins and len(lists) >= 0.8 * len(first) else []


def names_beside(text: str) -> tuple[str, ...]:
    """The names of the columns that a document lists beside its rows (`{"columns": [...], "data": [[...]]}`)."""
    for match in _NAMES.finditer(text):
        value, _ = first_value(text[match.end() :])
        try:
            names = strict_json.loads(value) if value else None
        except DataError:
            continue
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def layout_of(document: Mapping[str, Any]) -> str:
    """`columns` for an object of columns, `members` for an object of rows, "" for a single row."""
    values = list(document.values())
    if all(isinstance(value, list) for value in values):
        plain = not any(isinstance(cell, dict) for value in values for cell in value)
        return "columns" if len(set(map(len, values))) == 1 and len(values[0]) > 1 and plain else ""
    if not all(isinstance(value, dict) and value for value in values):
        return ""
    keys = [tuple(value) for value in values]
    if len(set(keys)) > 1 and len({frozenset(names) for names in keys}) > 1:
        return ""
    if _numbered(keys[0]) and not _numbered(document):
        return "columns"
    if _numbered(document) or len(values) >= _MEMBERS:
        return "members" if len(values) > 1 else ""
    return ""


def rows_of(document: Row, layout: str) -> Iterator[Row]:
    """The rows of a document that is one object; each is named by its number."""
    fields = document.fields
    if layout == "columns":
        columns = {name: list(value.values()) if isinstance(value, dict) else value for name, value in fields.items()}
        made: Iterable[dict[str, Any]] = (
            dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
        )
    else:
        made = (value if _numbered(fields) else _with_key(key, value) for key, value in fields.items())
    for number, row in enumerate(made, start=1):
        yield Row(SharedLine(document.line, number), row)


def _with_key(key: str, row: Mapping[str, Any]) -> dict[str, Any]:
    name = "key"
    while name in row:
        name += "_"
    return {name: key, **row}


def _numbered(keys: Iterable[str]) -> bool:
    """Whether keys are the numbers from 0 or 1 on."""
    found: Sequence[str] = list(keys)
    return found in ([str(n) for n in range(len(found))], [str(n + 1) for n in range(len(found))])
