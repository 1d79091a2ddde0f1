"""JSON in pieces: lines are cut at line ends, the elements of an array where one ends and the next one begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from core.data.formats.parsing import json_columns
from core.data.formats.parsing.batches import FilePiece, FilePlace, RowBatch
from core.data.formats.parsing.json_columns import ElementEdge
from core.data.formats.pieces.stretches import count, stretches


def of_lines(path: Path, first: FilePlace) -> Iterator[FilePiece]:
    """The pieces of a file of lines, from a place on."""
    start = first
    for data in stretches(path, first.offset, lambda data: data.rfind(b"\n") + 1):
        end = FilePlace(start.offset + len(data), start.line + count(data, b"\n"))
        yield FilePiece(data, start, end, _read_lines)
        start = end


def _read_lines(piece: FilePiece) -> Sequence[RowBatch] | None:
    found, line = json_columns.lines(piece.data), piece.start.line
    return found.batches(range(line, line + len(found))) if found else None


def of_array(path: Path, first: FilePlace) -> Iterator[FilePiece]:
    """The pieces of an array, from an element on."""
    start, edges = first, _Edges()
    for data in stretches(path, first.offset, edges.end_of):
        edge = edges.last
        assert edge is not None  # the data was cut at it
        inside, line = data.rfind(edge.text), start.line + count(data, b"\n")
        last = inside + edge.step if inside >= 0 else 0  # where the last element begins
        end = FilePlace(
            start.offset + len(data),
            line,
            records=start.records + data.count(edge.text) + 1,
            last_line=line - count(data, b"\n", last),
        )
        yield FilePiece(data, start, end, partial(_read_array, edge=edge))
        start = end


def _read_array(piece: FilePiece, edge: ElementEdge) -> Sequence[RowBatch] | None:
    start, end = piece.start, piece.end
    found = json_columns.complete_elements(piece.data[: len(piece.data) - edge.step + 1], edge)
    if found is None:
        return None
    lines = [start.line + line for line in found.lines]
    return found.batches(json_columns.shared_lines(lines, start.last_line, end.line, start.records))


class _Edges:
    """Where elements end, as it was written last."""

    def __init__(self) -> None:
        self.last: ElementEdge | None = None

    def end_of(self, data: bytes) -> int:
        """Behind the last element that is complete, and what separates it from the next one."""
        if self.last is None or self.last.text not in data:
            self.last = ElementEdge.of(data.decode("utf-8", "replace"))
        if self.last is None:
            return 0
        cut = data.rfind(self.last.text)
        return cut + self.last.step if cut > 0 else 0
