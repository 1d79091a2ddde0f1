"""A CSV in pieces: it is cut at line ends that have an even number of quotes before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from core.data.formats.base import Detection
from core.data.formats.parsing import csv_columns
from core.data.formats.parsing.batches import FilePiece, FilePlace, RowBatch
from core.data.formats.parsing.csv_batches import comparable, has_row
from core.data.formats.pieces.stretches import count, stretches

_MARK, _LEAD = b"\xef\xbb\xbf", b"\xef"  # a byte order mark, and the byte by which it is looked for


def pieces(path: Path, detection: Detection, first: FilePlace) -> Iterator[FilePiece]:
    """The pieces of a file from a place on; none where its dialect is not plain.

    Args:
        first: where the header begins, or the first row if there is none.
    """
    if detection.escape or detection.comment or detection.encoding not in ("utf-8", "utf-8-sig"):
        return
    start, rows, header = first, int(detection.header or 0), None
    for data in stretches(path, first.offset, partial(_end, quote=(detection.quotechar or "").encode())):
        if rows:  # the header, which every process finds by itself
            found = _parsed(data, detection)
            if found is None or len(found.lines) <= rows:
                return
            header = comparable([str(column[rows - 1]) for column in found.columns])
        end = FilePlace(start.offset + len(data), start.line + count(data, b"\n"), tuple(header) if header else None)
        yield FilePiece(data, start, end, partial(_read, detection=detection, skip=rows))
        start, rows = end, 0


def _end(data: bytes, quote: bytes) -> int:
    """Behind the last line end outside of quoted cells, where the data begins outside of one."""
    end = data.rfind(b"\n")
    inside = bool(quote) and end >= 0 and count(data, quote, 0, end) % 2 == 1
    while inside:
        before = data.rfind(b"\n", 0, end)
        if before < 0:
            return 0
        inside = data.count(quote, before, end) % 2 == 0
        end = before
    return end + 1


def _parsed(data: bytes, detection: Detection) -> csv_columns.Columns | None:
    """The records, if all of them are sound."""
    from pyarrow import ArrowInvalid

    if _LEAD in data and (data.startswith(_MARK) or b"\n" + _MARK in data):  # files were joined
        return None
    quote = detection.quotechar or None
    try:
        found = csv_columns.parse(data, detection.delimiter or ",", quote, len(detection.columns))
    except ArrowInvalid:  # bytes that are not UTF-8
        return None
    return found if found is not None and found.end == len(data) else None


def _read(piece: FilePiece, detection: Detection, skip: int) -> Sequence[RowBatch] | None:
    """The rows of a piece, but for the header at its beginning."""
    found = _parsed(piece.data, detection)
    if found is None:
        return None
    columns = tuple(column[skip:] for column in found.columns)
    if piece.end.header and has_row(columns, piece.end.header):  # it is repeated
        return None
    lines = csv_columns.later(found.lines[skip:], piece.start.line)
    return [RowBatch(detection.columns, lines, dict(zip(detection.columns, columns, strict=True)))]
