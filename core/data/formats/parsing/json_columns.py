"""Many JSON records -> rows at once, where they are plainly what the strict reader would make of them.

msgspec decodes them; whether an element begins where it seems to, and whether no key appears twice, the bytes tell:
inside a JSON string every quote is escaped, so each key and each text has two bare ones. Where anything is unusual, the
records are left to the strict reader, which reads one at a time (decision 0028).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby
from operator import methodcaller
from typing import Any

from core.data.examples.texts import TextColumn
from core.data.formats.parsing import arrow_json
from core.data.formats.parsing.arrow_json import ColumnRecords
from core.data.formats.parsing.batches import RowBatch

LEAST = 64 << 10  # characters: less is read one by one, before msgspec and numpy are imported
MOST = 1 << 20  # and more is not tried at once: larger blocks leave the processor's cache
FEWER = 256 << 10  # tried where more is not sound: what is unusual costs its surroundings the quick way
SLOW_RECORDS = 400  # read one by one after what is unusual, about as many as were tried
_BETWEEN_ELEMENTS = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_BEGINNING = re.compile(r'\{[ \t\r\n]*"[^"\\\x00-\x1f]+"')
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Records:
    """Objects that follow each other.

    Attributes:
        rows: at least one key each.
        lines: for each the number of line ends before it.
        length: characters up to the end of the last one.
    """

    rows: list[dict[str, Any]]
    lines: Sequence[int]
    length: int

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, lines: Sequence[int]) -> list[RowBatch]:
        """As batches of the same keys each; `lines` are the physical ones."""
        made, done = [], 0
        for columns, group in groupby(self.rows, key=tuple):
            rows = list(group)
            cells = {name: _column([row[name] for row in rows]) for name in columns}
            made.append(RowBatch(columns, lines[done : done + len(rows)], cells))
            done += len(rows)
        return made


def elements(text: str) -> Records | ColumnRecords | None:
    """The complete elements at the beginning of a text from the inside of an array, and not the last one.

    Args:
        text: it begins with an element, and goes beyond the ones that are returned.
    """
    try:
        first, end = _DECODER.raw_decode(text)
        data = text.encode("utf-8")
    except (ValueError, RecursionError):
        return None
    between = _BETWEEN_ELEMENTS.match(text, end)
    beginning = _BEGINNING.match(text, between.end()) if between else None
    if between is None or beginning is None or text[end - 1] != "}":
        return None
    # Exact where it is not deeper inside: a key's name cannot follow the quote that ends a text.
    edge = f"}}{between.group()}{beginning.group()}".encode()
    cut = data.rfind(edge)
    data = data[: cut + 1]
    schema = arrow_json.schema_of(first) if data else None
    if schema is not None and (found := arrow_json.elements(data, edge, schema)) is not None:
        return found
    rows = _decoded(data, "elements")
    if not rows:
        return None
    starts, at, step = [0], data.find(edge), 1 + len(between.group().encode())
    while at >= 0:
        starts.append(at + step)
        at = data.find(edge, at + step)
    key = beginning.group()[beginning.group().index('"') :].encode()
    flat = not any(isinstance(value, list | dict) for row in rows for value in row.values())
    if len(starts) != len(rows) or not (flat or data.count(key) == len(rows)):  # the same key deeper inside
        return None
    return Records(rows, _lines_before(data, starts), len(data.decode("utf-8")))


def lines(text: str) -> Records | ColumnRecords | None:
    """The rows of complete lines, if each is one object."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        return None
    if (found := _in_columns(data)) is not None:
        return found
    pieces = data.split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    # Between objects there is nothing but blanks: where each line begins and ends like one, each line end is a border.
    if not all(piece[:1] == b"{" and piece.rstrip(b" \t\r")[-1:] == b"}" for piece in pieces):
        return None
    rows = _decoded(data, "lines")
    return Records(rows, range(len(rows)), len(text)) if rows and len(rows) == len(pieces) else None


def _in_columns(data: bytes) -> ColumnRecords | None:
    """The rows of complete lines in columns, if all are like the first one: of texts and chat messages."""
    try:
        first = json.loads(data[: data.find(b"\n") + 1])
    except (ValueError, RecursionError):
        return None
    schema = arrow_json.schema_of(first)
    return arrow_json.lines(data, schema) if schema is not None else None


def _decoded(data: bytes, kind: str) -> list[dict[str, Any]] | None:
    """The objects, if there is nothing in them that the strict parser refuses."""
    import msgspec

    if b"\0" in data or b"\\u0000" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    one, many = _decoders()
    try:
        rows: list[dict[str, Any]] = many.decode(b"[%b]" % data) if kind == "elements" else one.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not all(rows):  # an empty object is not a row
        return None
    unescaped = data.replace(b"\\\\", b"")
    return rows if unescaped.count(b'"') - unescaped.count(b'\\"') == 2 * _strings(rows) else None


@cache
def _decoders() -> tuple[Any, Any]:
    """For one row and for a list of them; nested less deeply than the strict parser allows."""
    import msgspec

    plain = str | int | float | bool | None
    deep: Any = plain
    for _ in range(4):
        deep = plain | list[deep] | dict[str, deep]
    row = dict[str, deep]
    return msgspec.json.Decoder(row), msgspec.json.Decoder(list[row])


def _strings(rows: Sequence[dict[str, Any]]) -> int:
    """How many keys and texts there are, at any depth."""
    count = sum(map(len, rows))
    values: list[Any] = list(chain.from_iterable(map(methodcaller("values"), rows)))
    while values:
        deeper: list[Any] = []
        for value in values:
            kind = type(value)
            if kind is str:
                count += 1
            elif kind is dict:
                count += len(value)
                deeper.extend(value.values())
            elif kind is list:
                deeper.extend(value)
        values = deeper
    return count


def _lines_before(data: bytes, starts: list[int]) -> Sequence[int]:
    """For each place the number of line ends before it."""
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)
    found: list[int] = np.searchsorted(ends, starts).tolist()
    return found


def _column(values: list[Any]) -> Sequence[Any]:
    """Texts as an Arrow column, anything else as it is."""
    import pyarrow as pa

    return TextColumn(pa.array(values, pa.string())) if set(map(type, values)) == {str} else values
