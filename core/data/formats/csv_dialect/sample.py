"""The first records of a CSV, on which detection is based: broken ones cost only their own lines."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field

from core.data.formats.base import Head
from core.data.formats.csv_dialect.cells import Dialect

MAX_ROWS = 200
_MAX_LINES = 1_000
_MAX_CHARACTERS = 512 << 10
_ENOUGH_ROWS = 20  # a quote that is open where the sample ends is only cut off, if so many rows were read before it


@dataclass(frozen=True, slots=True)
class Lines:
    """The first physical lines of a text. `are_all`: there are no others."""

    texts: tuple[str, ...]
    are_all: bool

    @classmethod
    def of(cls, head: Head) -> Lines:
        """The complete lines at the beginning of a file."""
        texts: list[str] = []
        size = 0
        for line in io.StringIO(head.text, newline=""):
            texts.append(line)
            size += len(line)
            if len(texts) >= _MAX_LINES or (size >= _MAX_CHARACTERS and len(texts) > 1):
                return cls(tuple(texts[:-1]), size == len(head.text) and head.complete)
        if not head.complete and len(texts) > 1:
            texts.pop()
        return cls(tuple(texts), head.complete)

    def after(self, count: int) -> Lines:
        """Without the first ones."""
        return Lines(self.texts[count:], self.are_all)


@dataclass(slots=True)
class CsvSample:
    """Records as (line they start on, cells), and the lines of those that cannot be read."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)

    @property
    def table(self) -> list[list[str]]:
        """The cells of the rows that are not blank."""
        return [cells for _, cells in self.rows if any(cells)]

    def width(self) -> tuple[int, float]:
        """The most frequent number of cells, and the share of the records that have it."""
        counts = Counter(map(len, self.table))
        width = max(counts, key=lambda cells: (cells > 1) * counts[cells], default=1)
        return width, counts[width] / max(counts.total() + len(self.broken), 1)


def sample(lines: Lines, dialect: Dialect, first_line: int = 1) -> CsvSample:
    """The first records.

    Args:
        first_line: the number of the first of the lines.
    """
    found = CsvSample()
    start, texts = 0, lines.texts
    while start < len(texts) and len(found.rows) < MAX_ROWS:
        reader = dialect.reader(texts[start:])
        while len(found.rows) < MAX_ROWS:
            at = start + reader.line_num
            try:
                found.rows.append((first_line + at, next(reader)))
            except StopIteration:
                return found
            except csv.Error as error:
                used = start + reader.line_num
                unclosed = "end of data" in str(error)
                if unclosed and not lines.are_all and len(found.rows) >= _ENOUGH_ROWS:
                    return found
                opened = dialect.opening_quote(texts[at:used])
                start = used if opened == used - at - 1 and not unclosed else at + opened + 1
                found.broken.append(first_line + at)
                break
    return found
