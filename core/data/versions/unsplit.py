"""All examples of a version before it is known which are held out, and the choice of those."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.identity import messages_of, seeded_keys
from core.data.examples.likeness import text_of
from core.data.examples.near.near_duplicates import alike
from core.data.examples.parquet import BATCH
from core.data.examples.texts import Numbers
from core.data.versions import batch_file
from core.data.versions.batch_file import BatchFile, SavedBatch
from core.data.versions.files import EXAMPLE_SCHEMA, UNSPLIT_SCHEMA, table_of

# Of a row group of the final file: several times larger than a batch, it takes a third less time and space.
_GROUP_ROWS, _GROUP_BYTES = 20_000, 16 << 20


NEAR_UP_TO: Final = 10_000  # examples in which near duplicates are looked for; takes half a second


class UnsplitExamples:
    """Arrow files, as quick to write as to read: one of this object, and those where other processes saved examples."""

    def __init__(self, path: Path, seed: int) -> None:
        """`path` is how those of the files begin; what is left of an earlier attempt is deleted. `seed` decides which
        examples are drawn.
        """
        self._path, self._seed = path, seed
        self.delete()
        self._file = BatchFile(path, UNSPLIT_SCHEMA)
        self._rows: list[dict[str, Any]] = []
        self._saved: list[SavedBatch] = []
        self._chances: list[Numbers | None] = []  # of each batch, where they are known
        self._open = True

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def add_batch(self, batch: Any, chances: Numbers | None = None) -> None:
        """Add many examples: a record batch, or where one is saved. `chances`: what `drawn` would work out."""
        self._flush()
        self._saved.append(batch if isinstance(batch, SavedBatch) else self._file.add(batch))
        self._chances.append(chances)

    def add_table(self, table: Any) -> None:
        """Add many examples; their positions are ignored."""
        for batch in table.select(UNSPLIT_SCHEMA.names).combine_chunks().to_batches():
            self.add_batch(batch)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._flush()
            self._file.close()

    def tables(self) -> Iterator[Any]:
        """The record batches as tables of some thousands of rows each, with positions; the file must be closed."""
        together: list[Any] = []
        size = first = 0
        for batch in self.batches():
            together.append(batch)
            size += batch.nbytes
            if size >= _GROUP_BYTES or sum(map(len, together)) >= _GROUP_ROWS:
                yield _numbered(together, first)
                first += sum(map(len, together))
                together, size = [], 0
        if together:
            yield _numbered(together, first)

    def batches(self) -> Iterator[Any]:
        """The record batches, one at a time; the file must be closed."""
        return batch_file.read(self._saved, UNSPLIT_SCHEMA)

    def delete(self) -> None:
        for path in self._path.parent.glob(f"{glob.escape(self._path.name)}*"):
            path.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self.add_table(table_of(rows))

    # ---- the choice

    def drawn(self, wanted: int) -> Numbers:
        """The positions of about so many examples for training, by a seeded_keys hash of what their messages say.

        Equal examples are drawn together, or not at all; near duplicates too, in sets that are small enough to look for
        them in a second: a copy of what is trained on does not validate. Where so many examples are near duplicates
        that less than half of what is wanted could be held out, only equal ones stay together.
        """
        chances, places = self._trained()
        if len(chances) <= NEAR_UP_TO:
            together = places[np.isin(joined := self._near_joined(chances, places), _chosen(joined, wanted))]
            if 2 * len(together) >= wanted:
                return together
        drawn: Numbers = places[np.isin(chances, _chosen(chances, wanted))]
        return drawn

    def _trained(self) -> tuple[Numbers, Numbers]:
        """The chances of the examples for training and their positions."""
        chances, places, first = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], 0
        for batch, drawn in zip(self.batches(), self._chances, strict=True):
            mine = pc.equal(batch.column("split"), "train").to_numpy(zero_copy_only=False)
            chances.append((self._chances_of(batch) if drawn is None else drawn)[mine])
            places.append(first + np.flatnonzero(mine))
            first += len(batch)
        return np.concatenate(chances), np.concatenate(places)

    def _near_joined(self, chances: Numbers, places: Numbers) -> Numbers:
        """The chances where near duplicates have the same: the smallest of theirs."""
        texts = [text_of(messages_of(raw)) for batch in self.batches() for raw in batch.column("messages").to_pylist()]
        index = {place: number for number, place in enumerate(places.tolist())}
        joined = chances.copy()
        for cluster in alike(texts):
            mine = [index[place] for place in cluster if place in index]
            if mine:
                joined[mine] = joined[mine].min()
        return joined

    def _chances_of(self, batch: Any) -> Numbers:
        """For each example a number that follows from the seed and its identity."""
        return np.array(seeded_keys(batch.column("messages"), self._seed), np.uint64)


def _numbered(batches: Sequence[Any], first: int) -> Any:
    """Batches as one table, at positions from `first` on."""
    table = pa.Table.from_batches(batches)
    positions = pa.array(np.arange(first, first + len(table)))
    return table.add_column(0, EXAMPLE_SCHEMA.field("position"), positions)


def _chosen(chances: Numbers, wanted: int) -> Numbers:
    """The chances of about so many examples, the smallest first; of examples with the same chance all or none."""
    chosen: list[int] = []
    for looked_at in (2 * wanted, len(chances)):  # all of them only where many copies left too little room
        chosen, left = [], wanted
        for chance, copies in zip(*np.unique(_smallest(chances, looked_at), return_counts=True), strict=True):
            if copies <= left:
                chosen.append(chance)
                left -= int(copies)
        if not left:
            break
    return np.array(chosen, np.uint64)


def _smallest(numbers: Numbers, count: int) -> Numbers:
    """The smallest numbers, at least so many if there are; of equal ones all or none."""
    if count >= len(numbers):
        return numbers
    smallest: Numbers = numbers[numbers <= np.partition(numbers, count)[count]]
    return smallest
