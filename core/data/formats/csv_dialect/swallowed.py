"""Cells that took whole rows with them, because a quote in a text opened a cell and the next one closed it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from core.data.formats.base import Detection
from core.data.formats.parsing.compression import open_bytes
from core.data.issues import finding
from core.data.reading_options import how
from core.messages import Finding
from core.text import plural

_LOOKED_AT = 16 << 20  # bytes: a twentieth of a second
_MOST_LINES = 200  # of one cell
_SHOWN = 3
_TEXT_DELIMITERS = (",", ";", " ")  # texts contain them as well, so that two lines that look like rows prove nothing


def swallowed(path: Path, detection: Detection) -> tuple[Finding, ...]:
    """A finding where several lines that each look like a row became one record.

    Only the first 16 MB are looked at, and only encodings in which a byte below 128 is always that character.
    """
    quote, delimiter, width = detection.quotechar or "", detection.delimiter or ",", len(detection.columns)
    wide = (detection.encoding or "").startswith(("utf-16", "utf-32"))
    if not quote or detection.escape or width < 2 or wide or not (quote + delimiter).isascii():
        return ()
    with open_bytes(path) as stream:
        data = stream.read(_LOOKED_AT)
    least = 3 if delimiter[0] in _TEXT_DELIMITERS else 2
    found: list[tuple[int, int]] = []  # where the first of the lines begins, and how many there are
    for start, end in _open_and_closed(data, quote.encode()):
        lines = data[start:end].split(b"\n")
        if (
            least <= len(lines) <= _MOST_LINES
            and len(lines) * (width - 1) >= 2 * least
            and all(line.count(delimiter.encode()) == width - 1 for line in lines)
        ):
            found.append((start, len(lines)))
    if not found:
        return ()
    firsts = [data.count(b"\n", 0, start) + 1 for start, _ in found[:_SHOWN]]
    listed = ", ".join(
        f"lines {first:,} to {first + count - 1:,}" for first, (_, count) in zip(firsts, found, strict=False)
    )
    rows = sum(count - 1 for _, count in found)
    message = (
        f"{plural(rows, 'row')} seem to be inside a cell, because a quote opens there and the next one closes it: "
        f"{listed}{' and more' if len(found) > _SHOWN else ''}."
    )
    remedy = f"If quotes are part of the texts, choose {how('quotechar', '')}."
    return (finding("csv_swallowed", message, remedy, line=firsts[0]),)


def _open_and_closed(data: bytes, quote: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end on which a quoted cell with line ends opens and closes.

    Every second piece between two quotes is inside of them; few of these have a line end. Those without one before the
    next belong together.
    """
    pieces = data.split(quote)
    ends = list(accumulate(map(len, pieces), lambda end, length: end + len(quote) + length))
    first = last = -1  # line ends inside of quotes, with none outside between them
    for index in [index for index in range(1, len(pieces), 2) if b"\n" in pieces[index]]:
        begin, end = ends[index] - len(pieces[index]), ends[index]
        if last >= 0 and b"\n" in data[last + 1 : begin]:
            yield _lines(data, first, last)
            first = -1
        first = data.index(b"\n", begin) if first < 0 else first
        last = data.rindex(b"\n", begin, end)
    never_closed = len(pieces) % 2 == 0 and b"\n" not in data[last + 1 : ends[-1] - len(pieces[-1])]
    if last >= 0 and not never_closed:
        yield _lines(data, first, last)


def _lines(data: bytes, first: int, last: int) -> tuple[int, int]:
    """Where the line begins that ends at `first`, and where the one ends that follows `last`."""
    end = data.find(b"\n", last + 1)
    return data.rfind(b"\n", 0, first) + 1, len(data) if end < 0 else end
