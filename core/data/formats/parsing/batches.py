"""Rows in columns, thousands at a time, for fast conversion; the same rows that `read` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.messages import Reject, Row

BATCH_ROWS = 20_000
BATCH_CELLS = 1_000_000  # fewer rows of a very wide table
BATCH_CHARACTERS = 16_000_000  # and of one with very long cells


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows that follow each other in a file and have the same columns.

    Attributes:
        columns: names of the fields, in their order.
        lines: for each row the physical line it starts on.
        cells: column -> its values, one for each row.
        rejects: records that are not rows, in the order of the file.
        places: for each reject how many of the batch's rows come before it.
        fields: those of each row, where the cells do not say in which order a row has them.
    """

    columns: tuple[str, ...]
    lines: Sequence[int]
    cells: Mapping[str, Sequence[Any]]
    rejects: tuple[Reject, ...] = ()
    places: tuple[int, ...] = ()
    fields: Sequence[dict[str, Any]] | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, at: int) -> Row:
        """One of the rows."""
        if self.fields is not None:
            return Row(self.lines[at], self.fields[at])
        return Row(self.lines[at], {name: self.cells[name][at] for name in self.columns})

    def items(self) -> Iterator[Row | Reject]:
        """Rows and rejects in the order of the file, exactly as `read` returns them."""
        rejects = iter(zip(self.places, self.rejects, strict=True))
        place, waiting = next(rejects, (-1, None))
        for number, (line, fields) in enumerate(zip(self.lines, self._each(), strict=True)):
            while waiting is not None and place <= number:
                yield waiting
                place, waiting = next(rejects, (-1, None))
            yield Row(line, fields)
        if waiting is not None:
            yield waiting
        for _, item in rejects:
            yield item

    def _each(self) -> Iterator[dict[str, Any]]:
        """The fields of every row."""
        if self.fields is not None:
            return iter(self.fields)
        values = zip(*(self.cells[name] for name in self.columns), strict=True) if self.columns else iter(())
        return (dict(zip(self.columns, cells, strict=True)) for cells in values)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a record begins, so that reading can begin there.

    Attributes:
        offset: bytes before it. line: the physical line.
        header: the cells of the header that a row may repeat (CSV); None: none may. (): the header is still to come.
        records: how many come before it in its array, and `last_line`: where the last of them begins (JSON).
    """

    offset: int
    line: int
    header: tuple[str, ...] | None = ()
    records: int = 0
    last_line: int = 0


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A stretch of a file with complete records, from `start` up to `end`.

    Attributes:
        make: reads the piece; see `batches`.
    """

    data: bytes
    start: FilePlace
    end: FilePlace
    make: Callable[[FilePiece], Sequence[RowBatch] | None]

    def batches(self) -> Sequence[RowBatch] | None:
        """Its rows, the same as the format's reader returns; None where it is not plainly sound."""
        return self.make(self)


def from_items(items: Iterable[Row | Reject | RowBatch], size: int = BATCH_ROWS) -> Iterator[RowBatch]:
    """Batches of the items that `read` returns. A new batch starts where the keys of the rows change (JSON).

    Batches among the items stay as they are.
    """
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    rejects: list[Reject] = []
    places: list[int] = []
    weight = 0

    def batch() -> RowBatch:
        made = RowBatch(
            columns,
            [row.line for row in rows],
            {name: [row.fields[name] for row in rows] for name in columns},
            tuple(rejects),
            tuple(places),
        )
        rows.clear()
        rejects.clear()
        places.clear()
        return made

    for item in items:
        if isinstance(item, RowBatch):
            if rows or rejects:
                yield batch()
                weight = 0
            yield item
            continue
        if isinstance(item, Reject):
            rejects.append(item)
            places.append(len(rows))
            weight += len(item.raw)
        else:
            names = tuple(item.fields)
            if names != columns:
                if rows:
                    yield batch()
                    weight = 0
                columns = names
            rows.append(item)
            weight += sum(len(value) if isinstance(value, str) else 50 for value in item.fields.values())
        if len(rows) >= size or len(rejects) >= size or weight >= BATCH_CHARACTERS:
            yield batch()
            weight = 0
    if rows or rejects:
        yield batch()


def one_by_one(items: Iterable[Row | Reject | RowBatch]) -> Iterator[Row | Reject]:
    """The items, and those of batches among them."""
    for item in items:
        if isinstance(item, RowBatch):
            yield from item.items()
        else:
            yield item
