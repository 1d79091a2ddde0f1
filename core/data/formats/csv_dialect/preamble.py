"""Lines above a table that are not part of it: a title, a date, an empty line."""

from __future__ import annotations

from collections.abc import Sequence

from core.data.formats.csv_dialect.sample import CsvSample
from core.data.issues import finding
from core.messages import Finding
from core.text import plural

_MOST = 20  # rows


def preamble(found: CsvSample, delimiter: str) -> int:
    """Physical lines before the header: single cells above rows that have several.

    Above two columns, a line of one cell may also be the header of one column whose texts contain commas: there it
    counts only if a blank line follows it, or if the delimiter is not a comma.
    """
    rows, (width, _) = found.rows, found.width()
    if width < 2:
        return 0
    padded = _is_padded(rows, width)
    for index, (line, cells) in enumerate(rows[: _MOST + 1]):
        filled = sum(bool(cell.strip()) for cell in cells)
        if len(cells) == width and (filled > 1 or not padded):
            if width == 2 and delimiter == "," and index and rows[index - 1][1]:
                return 0
            return line - 1 if any(any(before) for _, before in rows[:index]) else 0
        if filled > 1:
            return 0
    return 0


def _is_padded(rows: Sequence[tuple[int, list[str]]], width: int) -> bool:
    """Whether titles above the table may be padded with empty cells, as spreadsheets export them: the table has three
    columns or more, and most of its rows fill most of them."""
    counts = [sum(bool(cell.strip()) for cell in cells) for _, cells in rows if len(cells) == width]
    full = sum(count >= max(2, 0.6 * width) for count in counts)
    return width >= 3 and full >= 2 and full >= 0.6 * len(counts)


def find_preamble(table: Sequence[tuple[int, list[str]]]) -> int:
    """The last row before the header in a table whose rows all have one width: titles fill a single cell."""
    if not table or not _is_padded(table, len(table[0][1])):
        return 0
    before = 0
    for line, cells in table[: _MOST + 1]:
        if sum(bool(cell.strip()) for cell in cells) > 1:
            return before
        before = line
    return 0


def skipped(count: int, what: str) -> Finding:
    """The finding about lines or rows above the header."""
    text = f"{plural(count, what)} before the header {'was' if count == 1 else 'were'} skipped."
    return finding("csv_preamble", text, line=1)
