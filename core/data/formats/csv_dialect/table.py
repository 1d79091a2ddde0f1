"""The first rows of a CSV as a table: its header, the names of its columns, and rows of another width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.formats.csv_dialect.cells import Dialect
from core.data.formats.csv_dialect.guess import COMMON, RARE
from core.data.formats.csv_dialect.header import header_rows, joined, names_for, numbered
from core.data.formats.csv_dialect.sample import CsvSample, Lines
from core.data.issues import finding
from core.data.reading_options import Reading, how
from core.messages import Finding
from core.text import plural


@dataclass(frozen=True, slots=True)
class Header:
    """How the columns are named.

    Attributes:
        rows: how many records name them.
        skip: physical lines above.
        is_alone: there are no other rows in the sample.
    """

    rows: int
    skip: int
    columns: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The records of a sample below the skipped lines, with the lines they start on.

    Attributes:
        damaged: the first line below the skipped ones, if it cannot be read; 0: it can.
        above: the text of the last skipped line.
    """

    rows: Sequence[tuple[int, list[str]]]
    skip: int
    lines: Lines
    damaged: int = 0

    @classmethod
    def of(cls, found: CsvSample, skip: int, lines: Lines) -> Table:
        """The table of a sample."""
        rows = [(line, cells) for line, cells in found.rows if line > skip and cells]
        first = next((line for line in found.broken if line > skip), 0)
        return cls(rows, skip, lines, first if first and (not rows or first < rows[0][0]) else 0)

    @property
    def cells(self) -> list[list[str]]:
        return [cells for _, cells in self.rows]

    def width(self) -> int:
        """The most frequent number of cells."""
        counts = Counter(map(len, self.cells))
        return max(counts, key=lambda cells: counts[cells])

    def header(self, dialect: Dialect, chosen: int | None) -> Header:
        """The header, or the number of header rows that was chosen."""
        if chosen is None and (found := self._damaged(dialect) or self._otherwise_delimited(dialect)):
            return found
        table = self.cells
        count = header_rows(table) if chosen is None else chosen
        if not count:
            return Header(False, self.skip, numbered(self.width()))
        columns, findings = names_for(joined(table[:count]), table[count:], self.rows[0][0])
        # True and False are the values of the usual choices
        return Header(True if count == 1 else count, self.skip, columns, findings, len(table) <= count)

    def _damaged(self, dialect: Dialect) -> Header | None:
        """The header where its line has a quote too many: named as if there were no quotes."""
        if not self.damaged:
            return None
        text = self.lines.texts[self.damaged - 1]
        cells = [cell.strip(f"{dialect.quote} ") for cell in _split(text, dialect.delimiter)]
        if not header_rows([cells, *self.cells]):
            return None
        columns, findings = names_for(cells, self.cells, self.damaged)
        message = "The header has a quote too many; its names were read without quotes."
        remedy = "Remove the quote, or close it."
        return Header(True, self.skip, columns, (finding("csv_header", message, remedy, line=self.damaged), *findings))

    def _otherwise_delimited(self, dialect: Dialect) -> Header | None:
        """The header where the line above the rows has the same number of cells with another delimiter."""
        width = self.width()
        if not self.skip or width < 3 or header_rows(self.cells):
            return None
        text = self.lines.texts[self.skip - 1]
        for delimiter in (*COMMON, *RARE):
            cells = [cell.strip(f"{dialect.quote} ") for cell in _split(text, delimiter)]
            if len(cells) == width and all(cells) and header_rows([cells, *self.cells]):
                columns, findings = names_for(cells, self.cells, self.skip)
                message = "The header has another delimiter than the rows."
                found = finding("csv_header", message, "Use the same delimiter in every line.", line=self.skip)
                return Header(True, self.skip - 1, columns, (found, *findings))
        return None


def _split(text: str, delimiter: str) -> list[str]:
    return next(iter(Dialect(delimiter, quote="").reader([text])), [])


def odd_rows(table: Table, header: Header, dialect: Dialect, chosen: Reading) -> tuple[Finding, ...]:
    """A finding where rows have more cells than the header because of commas in their last cell."""
    width = len(header.columns)
    rows = table.rows[int(header.rows) :]
    long = [(line, cells) for line, cells in rows if len(cells) > width]
    spaced = sum(all(cell[:1] == " " for cell in cells[width:]) for _, cells in long)
    if len(long) < 2 or width < 2 or dialect.skips_space or spaced < 0.8 * len(long) or chosen.long_rows == "join":
        return ()
    listed = ", ".join(str(line) for line, _ in long[:5]) + (", …" if len(long) > 5 else "")
    message = (
        f"{len(long):,} of the first {plural(len(rows), 'row')} have more cells than the header, because texts contain "
        f"the delimiter (lines {listed})."
    )
    remedy = f"Quote these texts, or choose {how('long_rows', 'join')}."
    return (finding("csv_unquoted", message, remedy, line=long[0][0]),)
