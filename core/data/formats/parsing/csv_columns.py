"""Complete lines of CSV text -> columns, where the cells are plainly what the strict reader would make of them.

The bytes answer it, a megabyte at a time: a quote opens at the beginning of a cell or is doubled, closes at its end,
and every record has the same number of cells. pyarrow then parses what is known to be sound. Records from the first
that is not on are left to the strict reader, so both ways give the same rows (decision 0030).
"""

from __future__ import annotations

import codecs
from array import array
from dataclasses import dataclass
from typing import Any

from core.data.examples.texts import TextColumn

LEAST = 64 << 10  # characters: a smaller text is read before pyarrow is imported
_LEAST_RECORDS = 500  # fewer sound ones before an error are not worth it
_NEWLINE, _CARRIAGE = b"\n\r"


@dataclass(frozen=True, slots=True)
class Columns:
    """Records of one width, column by column.

    Attributes:
        lines: for each record the number of lines of the text before it (see `later`).
        end: bytes of the text up to the end of the last record; it has `line_count` lines.
    """

    columns: tuple[TextColumn, ...]
    lines: range | array[int]
    end: int
    line_count: int


def parse(data: bytes, delimiter: str, quote: str | None, width: int) -> Columns | None:
    """The records at the beginning of a text that are sound and have `width` cells; None where they are too few.

    Args:
        data: UTF-8; it begins with a record.
        quote: None: cells are never quoted.
    """
    import numpy as np

    plain = len(delimiter) == 1 and delimiter.isascii() and (quote is None or (len(quote) == 1 and quote.isascii()))
    if not plain or width < 2 or data.startswith(codecs.BOM_UTF8):  # pyarrow would drop a mark that is text here
        return None
    content = np.frombuffer(data, np.uint8)
    if b"\0" in data or (b"\r" in data and has_lone_carriage(content)):
        return None
    newlines, delimiters = np.flatnonzero(content == _NEWLINE), np.flatnonzero(content == ord(delimiter))
    ends, places = newlines, np.arange(1, len(newlines) + 1)  # of each record, and the lines up to its end
    if quote is not None and quote.encode() in data:
        quotes = np.flatnonzero(content == ord(quote))
        sound = _sound_up_to(content, quotes, ord(delimiter), ord(quote))
        outside = _is_outside(newlines, quotes) & (newlines < sound)
        ends, places = newlines[outside], places[outside]
        delimiters = delimiters[_is_outside(delimiters, quotes)]
    if not len(ends):
        return None
    if not _are_even(delimiters, ends, width):
        widths = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
        if (widths != width).any():
            ends = ends[: int(np.argmax(widths != width))]
            if len(ends) < _LEAST_RECORDS:
                return None
    end, places = int(ends[-1]) + 1, places[: len(ends)]
    count = int(places[-1])
    lines = range(count) if count == len(ends) else _compact(np.concatenate(([0], places[:-1])))
    columns = _cells(data[:end], delimiter, quote, width)
    return Columns(columns, lines, end, count) if len(columns[0]) == len(lines) else None


def later(lines: range | array[int], by: int) -> range | array[int]:
    """The lines where so many come before; a million numbers are added up at once, and are never a million objects."""
    import numpy as np

    if isinstance(lines, range):
        return range(lines.start + by, lines.stop + by)
    return _compact(np.frombuffer(lines, np.int64) + by) if lines else lines


def _compact(numbers: Any) -> array[int]:
    return array("q", numbers.astype("int64", copy=False).tobytes())


def has_lone_carriage(content: Any) -> bool:
    """Whether a line of a text, as its bytes, ends at CR alone."""
    import numpy as np

    after = np.flatnonzero(content == _CARRIAGE) + 1
    return bool(len(after)) and (int(after[-1]) == len(content) or bool((content[after] != _NEWLINE).any()))


def _is_outside(positions: Any, quotes: Any) -> Any:
    """Which of the positions are not inside a quoted cell."""
    import numpy as np

    return np.searchsorted(quotes, positions) % 2 == 0


def _are_even(delimiters: Any, ends: Any, width: int) -> bool:
    """Whether every record has `width` cells, and nothing follows the last one; quicker than counting each one's."""
    if len(delimiters) != len(ends) * (width - 1):
        return False
    first, last = delimiters[:: width - 1], delimiters[width - 2 :: width - 1]
    return bool((last < ends).all() and (first[1:] > ends[:-1]).all())


def _sound_up_to(content: Any, quotes: Any, delimiter: int, quote: int) -> int:
    """Where the first quote is that is neither doubled nor at the edge of a cell; the length where all are sound.

    By turns a quote opens and closes: a doubled one closes, and its second half opens again.
    """
    import numpy as np

    opening, closing = quotes[0::2], quotes[1::2]
    before = content[np.maximum(opening - 1, 0)]
    bad_opening = (opening > 0) & (before != delimiter) & (before != _NEWLINE) & (before != quote)
    after = content[np.minimum(closing + 1, len(content) - 1)]
    bad_closing = (after != delimiter) & (after != _NEWLINE) & (after != _CARRIAGE) & (after != quote)
    first = len(content)
    for positions, bad in ((opening, bad_opening), (closing, bad_closing)):
        if bad.any():
            first = min(first, int(positions[np.argmax(bad)]))
    return first


def _cells(data: bytes, delimiter: str, quote: str | None, width: int) -> tuple[TextColumn, ...]:
    import pyarrow as pa
    from pyarrow import csv

    names = [str(number) for number in range(width)]
    table = csv.read_csv(
        pa.py_buffer(data),
        csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
        csv.ParseOptions(
            delimiter=delimiter, quote_char=quote if quote is not None else False, newlines_in_values=True
        ),
        csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    return tuple(TextColumn(column.combine_chunks()) for column in table.columns)
