"""Examples of a version taken by their positions, column by column: nothing in them is parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.versions.files import EXAMPLE_SCHEMA, completed, table_of

_BATCH = 10_000


class StoredExamples:
    """The examples file of a version, read from front to back; going back begins again.

    Attributes:
        current: whether it has exactly the columns of today, but for those that were added later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.current: bool = completed(pq.read_schema(path).empty_table()).schema.equals(EXAMPLE_SCHEMA)
        self._first = 0
        self._batch: Any = ()  # the one that begins at _first; at the beginning none
        self._batches = _batches(path)

    def take(self, positions: Sequence[int]) -> Any:
        """The rows at these positions, in their order, as an Arrow table; quick where positions ascend."""
        pieces, at = [], 0
        while at < len(positions):
            self._seek(positions[at])
            end = at + 1
            while end < len(positions) and self._first <= positions[end] < self._first + len(self._batch):
                end += 1
            pieces.append(self._batch.take(pa.array([place - self._first for place in positions[at:end]], pa.int64())))
            at = end
        return pa.Table.from_batches(pieces, schema=EXAMPLE_SCHEMA)

    def _seek(self, position: int) -> None:
        if position < self._first:
            self._first, self._batch, self._batches = 0, (), _batches(self._path)
        while position >= self._first + len(self._batch):
            self._first += len(self._batch)
            self._batch = next(self._batches)


def interleaved(stored: Any, others: Sequence[dict[str, Any]], is_stored: Sequence[bool]) -> Any:
    """Stored rows and others in one table.

    Args:
        others: as `example_row` makes them.
        is_stored: for each row of the result whether it is the next of `stored`, or else of `others`.
    """
    if not others:
        return stored
    taken = np.array(is_stored, bool)
    order = np.where(taken, np.cumsum(taken) - 1, len(stored) + np.cumsum(~taken) - 1)
    both = pa.concat_tables([stored, table_of(others)])
    return both.take(pa.array(order))


def _batches(path: Path) -> Iterator[Any]:
    with pq.ParquetFile(path) as file:
        yield from map(completed, file.iter_batches(_BATCH))
