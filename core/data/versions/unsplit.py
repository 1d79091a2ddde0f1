"""All examples of a version before it is known which are held out, and the choice of those."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.identity import quick_key, salted
from core.data.examples.parquet import BATCH
from core.data.examples.texts import Numbers
from core.data.versions.files import EXAMPLE_SCHEMA, table_of

# Of a row group of the final file: several times larger than a batch, it takes a third less time and space.
_GROUP_ROWS, _GROUP_BYTES = 20_000, 16 << 20


class UnsplitExamples:
    """An Arrow file, as quick to write as to read."""

    def __init__(self, path: Path, seed: int) -> None:
        """`seed` decides which examples are drawn."""
        self._path = path
        self._salt = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, EXAMPLE_SCHEMA)
        self._rows: list[dict[str, Any]] = []
        self._keys: list[Numbers | None] = []  # of each batch, where they are known
        self._chances: list[Numbers | None] = []  # the same
        self._open = True

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def add_table(self, table: Any, keys: Numbers | None = None, *, draws: bool = False) -> None:
        """Add many examples.

        Args:
            keys: those of `examples.identity.quick_key`, for their messages.
            draws: work out their chances now: this process waits anyway for the one that makes the examples.
        """
        self._flush()
        for batch in table.combine_chunks().to_batches():
            self._writer.write_batch(batch)
            self._keys.append(keys if len(batch) == len(table) else None)
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
        """The positions of about so many examples for training, by a seeded hash of what their messages say.

        Equal examples are drawn together, or not at all.
        """
        keys, chances, places = self._trained()
        names, first, sizes = np.unique(keys, return_index=True, return_counts=True)
        chosen = np.zeros(len(names), bool)
        for at in np.argsort(chances[first], kind="stable").tolist():
            if sizes[at] <= wanted:
                chosen[at] = True
                wanted -= int(sizes[at])
                if not wanted:
                    break
        drawn: Numbers = places[np.isin(keys, names[chosen])]
        return drawn

    def _trained(self) -> tuple[Numbers, Numbers, Numbers]:
        """The keys of the examples for training, their chances and their positions."""
        keys, places, first = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
        chances = [np.empty(0, np.uint64)]
        for batch, known, drawn in zip(self.batches(), self._keys, self._chances, strict=True):
            if known is None:
                known = np.array(list(map(quick_key, batch.column("messages").to_pylist())), np.int64)
            mine = pc.equal(batch.column("split"), "train").to_numpy(zero_copy_only=False)
            keys.append(known[mine])
            chances.append((self._chances_of(batch) if drawn is None else drawn)[mine])
            places.append(first + np.flatnonzero(mine))
            first += len(batch)
        return np.concatenate(keys), np.concatenate(chances), np.concatenate(places)

    def _chances_of(self, batch: Any) -> Numbers:
        """For each example a number that follows from the seed and its identity."""
        return np.frombuffer(b"".join(salted(batch.column("messages"), self._salt)), ">u8").astype(np.uint64)
