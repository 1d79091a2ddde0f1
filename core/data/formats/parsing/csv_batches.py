"""CSV records -> batches: rows as wide as the header, and a Reject in place of every other record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.data.examples.texts import TextColumn, places_of
from core.data.formats.base import Detection
from core.data.formats.parsing.batches import BATCH_CELLS, BATCH_CHARACTERS, RowBatch
from core.data.formats.parsing.csv_records import Block
from core.data.issues import reject
from core.data.reading_options import how
from core.messages import Reject
from core.text import plural


class BatchBuilder:
    """Collects rows of one width, and the rejects between them, into a RowBatch."""

    def __init__(self, detection: Detection) -> None:
        self._columns = detection.columns
        self._fills, self._joins = detection.short_rows == "fill", detection.long_rows == "join"
        self._delimiter = detection.delimiter or ","
        self.header: list[str] | None = None  # its cells, where files that were joined may repeat it
        self._clear()

    def _clear(self) -> None:
        self.rows: list[list[str]] = []
        self._lines: list[int] = []
        self.rejects: list[Reject] = []
        self._places: list[int] = []
        self._weight = 0

    def is_full(self, size: int) -> bool:
        count = len(self.rows)
        cells = count * len(self._columns)
        return count >= size or cells >= BATCH_CELLS or self._weight >= BATCH_CHARACTERS or len(self.rejects) >= size

    def add(self, block: Block) -> None:
        before, width = len(self.rows), len(self._columns)
        self._weight += len(block.source) + sum(map(len, block.raws or ()))
        if set(map(len, block.rows)) <= {width} and self.header not in block.rows:
            self.rows += block.rows
            self._lines += block.lines
            self.rejects += block.rejects
            self._places += [before + place for place in block.places]
            return
        texts = block.texts()
        rejects = iter(zip((*block.places, -1), (*block.rejects, None), strict=True))
        place, waiting = next(rejects)
        for number, cells in enumerate(block.rows):
            while place == number and waiting is not None:
                self._reject(waiting)
                place, waiting = next(rejects)
            if not cells or (width > 1 and len(cells) == 1 and not cells[0].strip(" \t")):
                continue  # blanks count as an empty line
            if len(cells) == width and cells == self.header:
                message = "The row repeats the header."
                self._reject(reject("header_repeated", message, line=block.lines[number], raw=texts[number]))
            elif (fitted := self._fitted(cells, width)) is not None:
                self.rows.append(fitted)
                self._lines.append(block.lines[number])
            else:
                self._reject(self._ragged(cells, width, line=block.lines[number], raw=texts[number]))
        while waiting is not None:
            self._reject(waiting)
            place, waiting = next(rejects)

    def _fitted(self, cells: list[str], width: int) -> list[str] | None:
        """The cells, as wide as the header; None where that is not possible, or not wanted."""
        if len(cells) == width:
            return cells
        if len(cells) < width:
            return [*cells, *[""] * (width - len(cells))] if self._fills else None
        return [*cells[: width - 1], self._delimiter.join(cells[width - 1 :])] if self._joins else None

    @staticmethod
    def _ragged(cells: list[str], width: int, *, line: int, raw: str) -> Reject:
        message = f"The row has {plural(len(cells), 'cell')}, but the header has {width}."
        short = len(cells) < width
        what = "Add the missing cells" if short else "Quote cells that contain the delimiter"
        choice = how("short_rows", "fill") if short else how("long_rows", "join")
        return reject("csv_ragged", message, f"{what}, or choose {choice}.", line=line, raw=raw)

    def _reject(self, item: Reject) -> None:
        self.rejects.append(item)
        self._places.append(len(self.rows))
        self._weight += len(item.raw)

    def repeats_header(self, block: Block) -> bool:
        """Whether a record of a block that was read by columns is the header."""
        return self.header is not None and has_row(block.columns, self.header)

    def of_columns(self, block: Block) -> Iterator[RowBatch]:
        """What has been collected, and then a block that was read by columns."""
        if self.rows or self.rejects:
            yield self.take()
        if block.column_lines:
            yield RowBatch(self._columns, block.column_lines, dict(zip(self._columns, block.columns, strict=True)))

    def take(self) -> RowBatch:
        columns = [list(column) for column in zip(*self.rows, strict=True)] or [[] for _ in self._columns]
        cells = dict(zip(self._columns, columns, strict=True))
        made = RowBatch(self._columns, self._lines, cells, tuple(self.rejects), tuple(self._places))
        self._clear()
        return made


def drop_header(block: Block, made: BatchBuilder) -> bool:
    """Remove the header from the first records, and tell the builder; False if it is not among them.

    A damaged header stays a reject, and no row is used in its place.
    """
    if block.columns:
        if not block.column_lines:
            return False
        made.header = comparable(block.cut_first())
        return True
    index = next((index for index, cells in enumerate(block.rows) if cells), len(block.rows))
    if block.places and block.places[0] <= index:
        return True  # the header is the reject itself
    if index < len(block.rows):
        texts = block.texts()
        block.raws = texts[:index] + texts[index + 1 :]
        made.header = comparable(block.rows[index])
        del block.rows[index], block.lines[index]
        block.places = [place - 1 for place in block.places]
        return True
    return False


def has_row(columns: Sequence[TextColumn], cells: Sequence[str]) -> bool:
    """Whether a row of columns has exactly these cells."""
    places = places_of(columns[0].array, cells[0]).tolist()
    return any([column[at] for column in columns] == list(cells) for at in places)


def comparable(header: list[str]) -> list[str] | None:
    """The header, if a row that is equal to it repeats it; None where any row may be equal by chance."""
    return header if len(header) > 1 and any(map(str.strip, header)) else None
