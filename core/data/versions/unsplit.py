"""All examples of a version before it is known which are held out, and the choice of those."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.identity import messages_of, seeded_keys
from core.data.examples.likeness import text_of
from core.data.examples.near_duplicates import alike
from core.data.examples.parquet import BATCH
from core.data.examples.texts import Numbers
from core.data.versions.files import EXAMPLE_SCHEMA, table_of

# Of a row group of the final file: several times larger than a batch, it takes a third less time and space.
_GROUP_ROWS, _GROUP_BYTES = 20_000, 16 << 20


NEAR_UP_TO: Final = 10_000  # examples in which near duplicates are looked for; takes half a second


class UnsplitExamples:
    """An Arrow file, as quick to write as to read."""

    def __init__(self, path: Path, seed: int) -> None:
        """`seed` decides which examples are drawn."""
        self._path, self._seed = path, seed
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, EXAMPLE_SCHEMA)
        self._rows: list[dict[str, Any]] = []
        self._chances: list[Numbers | None] = []  # of each batch, where they are known
        self._open = True

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def add_table(self, table: Any, *, draws: bool = False) -> None:
        """Add many examples.

        Args:
            draws: work out their chances now: this process waits anyway for the one that makes the examples.
        """
        self._flush()
        for batch in table.combine_chunks().to_batches():
            self._writer.write_batch(batch)
            self._chances.append(self._chances_of(batch) if draws else None)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._flush()
            self._writer.close()
            self._sink.close()

    def tables(self) -> Iterator[Any]:
        """The record batches as tables of some thousands of rows each; the file must be closed."""
        together: list[Any] = []
        size = 0
        for batch in self.batches():
            together.append(batch)
            size += batch.nbytes
            if size >= _GROUP_BYTES or sum(map(len, together)) >= _GROUP_ROWS:
                yield pa.Table.from_batches(together)
                together, size = [], 0
        if together:
            yield pa.Table.from_batches(together)

    def batches(self) -> Iterator[Any]:
        """The record batches, one at a time; the file must be closed."""
        with pa.memory_map(str(self._path)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)

    def delete(self) -> None:
        self._path.unlink()

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
