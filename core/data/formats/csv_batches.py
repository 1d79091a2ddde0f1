"""Records of a CSV -> batches: rows of the header's width side by side, everything else a reject in its place."""

from __future__ import annotations

from core.data.formats.batches import BATCH_CELLS, BATCH_CHARACTERS, RowBatch
from core.data.formats.csv_records import Block
from core.data.issues import reject
from core.messages import Reject


class BatchBuilder:
    """Rows of one width and the rejects between them, until they are enough for a RowBatch."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
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
        if set(map(len, block.rows)) <= {width}:
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
            if len(cells) == width:
                self.rows.append(cells)
                self._lines.append(block.lines[number])
            elif cells and not (
                width > 1 and len(cells) == 1 and not cells[0].strip(" \t")
            ):  # blanks are an empty line
                said = f"The row has {len(cells)} cell{'s' if len(cells) != 1 else ''}, the header {width}."
                self._reject(reject("csv_ragged", said, line=block.lines[number], raw=texts[number]))
        while waiting is not None:
            self._reject(waiting)
            place, waiting = next(rejects)

    def _reject(self, item: Reject) -> None:
        self.rejects.append(item)
        self._places.append(len(self.rows))
        self._weight += len(item.raw)

    def take(self) -> RowBatch:
        columns = [list(column) for column in zip(*self.rows, strict=True)] or [[] for _ in self._columns]
        cells = dict(zip(self._columns, columns, strict=True))
        made = RowBatch(self._columns, self._lines, cells, tuple(self.rejects), tuple(self._places))
        self._clear()
        return made


def drop_header(block: Block) -> bool:
    """Take the header out of the first records; False where it has not come yet.

    Damage in the header is said, and no row is taken in its place.
    """
    index = next((index for index, cells in enumerate(block.rows) if cells), len(block.rows))
    if block.places and block.places[0] <= index:
        return True  # the header is the reject itself
    if index < len(block.rows):
        texts = block.texts()
        block.raws = texts[:index] + texts[index + 1 :]
        del block.rows[index], block.lines[index]
        block.places = [place - 1 for place in block.places]
        return True
    return False
