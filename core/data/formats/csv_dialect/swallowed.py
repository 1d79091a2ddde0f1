"""Cells that took whole rows with them, because a quote in a text opened a cell and the next one closed it."""

from __future__ import annotations

from collections.abc import Iterator
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
    if quote.encode() not in data:
        return ()
    lines = data.split(b"\n")
    least = 3 if delimiter[0] in _TEXT_DELIMITERS else 2
    found = [
        (first + 1, last + 1)
        for first, last in _open_and_closed(lines, quote.encode())
        if last - first + 1 >= least
        and (last - first + 1) * (width - 1) >= 2 * least
        and all(line.count(delimiter.encode()) == width - 1 for line in lines[first : last + 1])
    ]
    if not found:
        return ()
    listed = ", ".join(f"lines {first:,} to {last:,}" for first, last in found[:_SHOWN])
    rows = sum(last - first for first, last in found)
    message = (
        f"{plural(rows, 'row')} seem to be inside a cell, because a quote opens there and the next one closes it: "
        f"{listed}{' and more' if len(found) > _SHOWN else ''}."
    )
    remedy = f"If quotes are part of the texts, choose {how('quotechar', '')}."
    return (finding("csv_swallowed", message, remedy, line=found[0][0]),)


def _open_and_closed(lines: list[bytes], quote: bytes) -> Iterator[tuple[int, int]]:
    """Indexes of the lines on which a quoted cell with line ends opens and closes."""
    opened = -1
    for index, line in enumerate(lines):
        if line.count(quote) & 1:
            if opened >= 0:
                if index - opened < _MOST_LINES:
                    yield opened, index
                opened = -1
            else:
                opened = index
