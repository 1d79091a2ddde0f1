"""Many JSON records of texts -> Arrow columns at once, without making Python objects of them.

Records whose values are texts, or lists of chat messages (a role and a content), as most files in a known shape have
them. Arrow's parser is told the schema, and refuses what is not in it: another key, a key that appears twice, a value
of another kind. What it accepts and the strict reader does not, is looked for here. A record is decoded by itself only
where it is wanted as a row, so that the order of its keys is the file's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa

from core.data.examples.texts import MessagesColumn, Numbers, TextColumn
from core.data.formats.parsing.batches import RowBatch

_MESSAGE = ("role", "content")
_NEWLINE, _RETURN, _OPEN, _CLOSE = b"\n\r{}"
_TEXT = pa.string()
_MESSAGES = pa.list_(pa.struct([(name, _TEXT) for name in _MESSAGE]))


class Fields(Sequence[dict[str, Any]]):
    """The fields of records, decoded when they are used.

    Args:
        data: JSON texts. starts, ends: of each record in it.
    """

    def __init__(self, data: bytes, starts: Numbers, ends: Numbers) -> None:
        self._data, self._starts, self._ends = data, starts, ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Fields: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | Fields:
        if isinstance(at, slice):
            return Fields(self._data, self._starts[at], self._ends[at])
        found: dict[str, Any] = json.loads(self._data[self._starts[at] : self._ends[at]])
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        import msgspec

        decode = msgspec.json.Decoder(dict[str, Any]).decode
        view = memoryview(self._data)
        for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True):
            yield decode(view[start:end])


@dataclass(frozen=True, slots=True)
class ColumnRecords:
    """Records that follow each other, in columns.

    Attributes:
        lines: for each the number of line ends before it.
    """

    table: Any
    fields: Fields
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.fields)

    def batches(self, lines: Sequence[int]) -> list[RowBatch]:
        """As one batch; `lines` are the physical ones."""
        names = tuple(self.table.column_names)
        cells: dict[str, Sequence[Any]] = {}
        for name, column in zip(names, self.table.itercolumns(), strict=True):
            array = column.chunk(0)
            cells[name] = TextColumn(array) if array.type == _TEXT else MessagesColumn(array, self.fields, name)
        return [RowBatch(names, lines, cells, fields=self.fields)]


def schema_of(first: object) -> Any:
    """The schema of records like the first one; None where its values are not texts or chat messages."""
    if not isinstance(first, Mapping) or not first:
        return None
    kinds = [(name, _TEXT if isinstance(value, str) else _MESSAGES) for name, value in first.items()]
    plain = all(isinstance(value, str) or _has_messages(value) for value in first.values())
    return pa.schema(kinds) if plain else None


def _has_messages(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(item, Mapping) and sorted(item) == sorted(_MESSAGE) for item in value)
    )


def lines(data: bytes, schema: Any) -> ColumnRecords | None:
    """The records of complete lines, each of which is one object; None where one of them is not like the schema."""
    held = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(held == _NEWLINE)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1] + 1))
    last = held[ends - 1]
    if (returned := last == _RETURN).any():
        last = np.where(returned, held[ends - 2], last)
    if not ((held[starts] == _OPEN).all() and (last == _CLOSE).all()):
        return None
    table = _parsed(data, schema, len(starts))
    if table is None:
        return None
    return ColumnRecords(table, Fields(data, starts, ends), range(len(starts)))


def elements(data: bytes, edge: bytes, schema: Any) -> ColumnRecords | None:
    """The elements of an array, one or more; None where one of them is not like the schema.

    Args:
        data: from the beginning of the first one to the end of the last one.
        edge: what is between them: a closing bracket, a comma, and the beginning of the next one, with blanks.
    """
    comma, opening = edge.index(b","), edge.index(b"{")
    # On a line each, as the parser takes them. A line end inside a text stays what no text may have.
    blank = edge.translate(_NO_LINE_ENDS)
    written = data.translate(_NO_LINE_ENDS).replace(blank, blank[:comma] + b"\n" + blank[comma + 1 :])
    commas = np.flatnonzero(np.frombuffer(written, np.uint8) == _NEWLINE)
    table = _parsed(written, schema, len(commas) + 1)
    if table is None:
        return None
    starts = np.concatenate(([0], commas + (opening - comma)))
    line_ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    before: list[int] = np.searchsorted(line_ends, starts).tolist()
    return ColumnRecords(table, Fields(data, starts, np.append(commas, len(data))), before)


_NO_LINE_ENDS = bytes.maketrans(b"\n\r", b"\t\t")


def _parsed(data: bytes, schema: Any, rows: int) -> Any:
    """The table of objects, one on each line; None where the strict reader might read anything else."""
    from pyarrow import json as arrow

    if b"\0" in data or b"\\u0000" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    reading = arrow.ReadOptions(use_threads=False, block_size=len(data) + 1)
    parsing = arrow.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        table = arrow.read_json(pa.BufferReader(data), reading, parsing)
        table.validate(full=True)  # not UTF-8, halves of characters
    except pa.ArrowInvalid:
        return None
    columns = [column.chunk(0) for column in table.itercolumns() if column.num_chunks == 1]
    if table.num_rows != rows or len(columns) != len(schema) or any(map(_has_nulls, columns)):
        return None
    return table


def _has_nulls(array: Any) -> bool:
    """Whether a value is null or missing."""
    if array.null_count or array.type == _TEXT:
        return bool(array.null_count)
    items = array.flatten()
    return bool(items.null_count) or any(part.null_count for part in items.flatten())
