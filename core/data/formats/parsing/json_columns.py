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
from core.messages import SharedLine

LEAST = 64 << 10  # characters: less is read one by one, before msgspec and numpy are imported
MOST = 1 << 20  # and more is not tried at once: larger blocks leave the processor's cache
FEWER = 256 << 10  # tried where more is not sound: what is unusual costs its surroundings the quick way
SLOW_RECORDS = 400  # read one by one after what is unusual, about as many as were tried
_BETWEEN_ELEMENTS = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_BEGINNING = re.compile(r'\{[ \t\r\n]*"[^"\\\x00-\x1f]+"')
_DECODER = json.JSONDecoder()
_QUOTE, _BACKSLASH = b'"\\'


@dataclass(frozen=True, slots=True)
class Records:
    """Objects that follow each other.

    Attributes:
        rows: at least one key each.
        values: of all rows, one after another.
        lines: for each the number of line ends before it.
    """

    rows: list[dict[str, Any]]
    values: list[Any]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, lines: Sequence[int]) -> list[RowBatch]:
        """As batches of the same keys each; `lines` are the physical ones."""
        columns, count = tuple(self.rows[0]), len(self.rows)
        if all(map(columns.__eq__, map(tuple, self.rows))):
            cells = {name: _column(self.values[at :: len(columns)]) for at, name in enumerate(columns)}
            return [RowBatch(columns, lines[:count], cells)]
        made, done = [], 0
        for columns, group in groupby(self.rows, key=tuple):
            rows = list(group)
            cells = {name: _column([row[name] for row in rows]) for name in columns}
            made.append(RowBatch(columns, lines[done : done + len(rows)], cells))
            done += len(rows)
        return made


@dataclass(frozen=True, slots=True)
class ElementEdge:
    """What is written where one element of an array ends and the next one begins.

    Attributes:
        text: from the bracket that ends an element to the first key of the next one. It is exact where that key is not
            deeper inside: a key's name cannot follow the quote that ends a text.
        step: bytes before the next element. key: its first key, in quotes.
        schema: of elements like the first one, where Arrow's parser can read them (arrow_json).
    """

    text: bytes
    step: int
    key: bytes
    schema: Any

    @classmethod
    def of(cls, text: str) -> ElementEdge | None:
        """The edge between the first two elements of a text."""
        try:
            element, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            return None
        between = _BETWEEN_ELEMENTS.match(text, end)
        beginning = _BEGINNING.match(text, between.end()) if between else None
        if between is None or beginning is None or text[end - 1] != "}":
            return None
        first = f"}}{between.group()}".encode()
        name = beginning.group()[beginning.group().index('"') :]
        schema = arrow_json.schema_of(element)
        return cls(first + beginning.group().encode(), len(first), name.encode(), schema)


def elements(text: str) -> tuple[Records | ColumnRecords, int] | None:
    """The complete elements at the beginning of a text from the inside of an array, and not the last one.

    Args:
        text: it begins with an element, and goes beyond the ones that are returned.

    Returns:
        also the number of characters up to the end of the last one.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        return None
    edge = ElementEdge.of(text)
    data = data[: data.rfind(edge.text) + 1] if edge else b""
    found = complete_elements(data, edge) if edge and data else None
    return (found, len(data.decode("utf-8"))) if found else None


def complete_elements(data: bytes, edge: ElementEdge) -> Records | ColumnRecords | None:
    """The elements of a text from the first one's beginning to the last one's end, if all are sound."""
    if edge.schema is not None and (found := arrow_json.elements(data, edge.text, edge.schema)) is not None:
        return found
    decoded = _decoded(data, "elements")
    if decoded is None:
        return None
    rows, values = decoded
    starts = _starts(data, edge)
    flat = {list, dict}.isdisjoint(map(type, values))
    if len(starts) != len(rows) or not (flat or data.count(edge.key) == len(rows)):  # the same key deeper inside
        return None
    return Records(rows, values, _lines_before(data, starts))


def _starts(data: bytes, edge: ElementEdge) -> Any:
    """Where each element begins."""
    import numpy as np

    parts = data.split(edge.text)
    sizes = np.fromiter(map(len, parts), np.int64, len(parts)) + len(edge.text)
    return np.concatenate(([0], np.cumsum(sizes[:-1]) - len(edge.text) + edge.step))


def shared_lines(lines: Sequence[int], before: int, after: int, count: int) -> list[int]:
    """The physical lines of elements; one that another element begins on as well tells them apart.

    Args:
        before, after: the lines on which the neighbors begin. count: elements before the first of these.
    """
    places = [before, *lines, after]
    if len(set(places)) == len(places):
        return list(lines)
    return [
        SharedLine(line, count + number) if line in (places[number - 1], places[number + 1]) else line
        for number, line in enumerate(lines, start=1)
    ]


def lines(data: bytes) -> Records | ColumnRecords | None:
    """The rows of complete lines, if each is one object."""
    if (found := _in_columns(data)) is not None:
        return found
    pieces = data.split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    # Between objects there is nothing but blanks: where each line begins and ends like one, each line end is a border.
    if not all(piece[:1] == b"{" and piece.rstrip(b" \t\r")[-1:] == b"}" for piece in pieces):
        return None
    decoded = _decoded(data, "lines")
    return Records(*decoded, range(len(decoded[0]))) if decoded and len(decoded[0]) == len(pieces) else None


def _in_columns(data: bytes) -> ColumnRecords | None:
    """The rows of complete lines in columns, if all are like the first one: of texts and chat messages."""
    try:
        first = json.loads(data[: data.find(b"\n") + 1])
    except (ValueError, RecursionError):
        return None
    schema = arrow_json.schema_of(first)
    return arrow_json.lines(data, schema) if schema is not None else None


def _decoded(data: bytes, kind: str) -> tuple[list[dict[str, Any]], list[Any]] | None:
    """The objects and their values, if there is nothing in them that the strict parser refuses."""
    import msgspec

    if b"\0" in data or b"\\u0000" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    one, many = _decoders()
    try:
        rows: list[dict[str, Any]] = many.decode(b"[%b]" % data) if kind == "elements" else one.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not rows or not all(rows):  # an empty object is not a row
        return None
    values: list[Any] = list(chain.from_iterable(map(methodcaller("values"), rows)))
    return (rows, values) if _bare_quotes(data) == 2 * (len(values) + _strings(values)) else None


def _bare_quotes(data: bytes) -> int:
    """How many quotes are not escaped: those that do not follow an odd number of backslashes."""
    import numpy as np

    content = np.frombuffer(data, np.uint8)
    quotes, slashes = int(np.count_nonzero(content == _QUOTE)), np.flatnonzero(content == _BACKSLASH)
    if not len(slashes):
        return quotes
    together = np.diff(slashes) == 1
    first, last = slashes[np.insert(~together, 0, True)], slashes[np.append(~together, True)]
    after = content[np.minimum(last + 1, len(content) - 1)]
    return quotes - int(np.count_nonzero((after == _QUOTE) & ((last - first) % 2 == 0)))


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


def _strings(values: list[Any]) -> int:
    """How many texts there are among values, and how many keys and texts inside of them."""
    if set(map(type, values)) == {str}:
        return len(values)
    count = 0
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


def _lines_before(data: bytes, starts: Any) -> Sequence[int]:
    """For each place the number of line ends before it."""
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)
    found: list[int] = np.searchsorted(ends, starts).tolist()
    return found


def _column(values: list[Any]) -> Sequence[Any]:
    """Texts as an Arrow column, anything else as it is."""
    import pyarrow as pa

    return TextColumn(pa.array(values, pa.string())) if set(map(type, values)) == {str} else values
