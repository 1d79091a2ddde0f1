"""All examples of a version before it is known which are held out, and the choice of those."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.identity import identities, quick_key
from core.data.examples.parquet import BATCH
from core.data.examples.texts import Numbers
from core.data.versions.files import EXAMPLE_SCHEMA, table_of
from core.platform.forking import Finished, Forked, may_fork

_WORTH_FORKING = 200_000  # examples: from here on two processes compute their chances


class UnsplitExamples:
    """An Arrow file, as quick to write as to read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, EXAMPLE_SCHEMA)
        self._rows: list[dict[str, Any]] = []
        self._keys: list[Numbers | None] = []  # of each batch, where they are known
        self._open = True

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def add_table(self, table: Any, keys: Numbers | None = None) -> None:
        """Add many examples; `keys` are those of `examples.identity.quick_key`, for their messages."""
        self._flush()
        for batch in table.combine_chunks().to_batches():
            self._writer.write_batch(batch)
            self._keys.append(keys if len(batch) == len(table) else None)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._flush()
            self._writer.close()
            self._sink.close()

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

    def drawn(self, wanted: int, seed: int) -> Numbers:
        """The positions of about so many examples for training, by a seeded hash of what their messages say.

        Equal examples are drawn together, or not at all.
        """
        keys, places = self._trained()
        names, first, sizes = np.unique(keys, return_index=True, return_counts=True)
        salt = hashlib.blake2b(key=str(seed).encode(), digest_size=8)
        chances = self._chances(places[first], salt)
        chosen = np.zeros(len(names), bool)
        for at in np.argsort(chances, kind="stable").tolist():
            if sizes[at] <= wanted:
                chosen[at] = True
                wanted -= int(sizes[at])
                if not wanted:
                    break
        drawn: Numbers = places[np.isin(keys, names[chosen])]
        return drawn

    def _trained(self) -> tuple[Numbers, Numbers]:
        """The keys of the examples for training, and their positions."""
        keys, places, first = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
        for batch, known in zip(self.batches(), self._keys, strict=True):
            if known is None:
                known = np.array(list(map(quick_key, batch.column("messages").to_pylist())), np.int64)
            mine = pc.equal(batch.column("split"), "train").to_numpy(zero_copy_only=False)
            keys.append(known[mine])
            places.append(first + np.flatnonzero(mine))
            first += len(batch)
        return np.concatenate(keys), np.concatenate(places)

    def _chances(self, places: Numbers, salt: Any) -> Numbers:
        """For the example at each place a number that follows from the seed and its identity."""
        order = np.argsort(places)
        ordered = places[order]
        middle = int(ordered[len(ordered) // 2]) if len(ordered) >= _WORTH_FORKING and may_fork() else -1
        if middle < 0:
            found = list(self._salted(ordered, salt))
        else:
            helper = Forked(partial(self._salted, ordered[ordered >= middle], salt))
            try:
                found = list(self._salted(ordered[ordered < middle], salt))
                found += _received(helper)
            finally:
                helper.stop()
        chances = np.empty(len(places), np.uint64)
        chances[order] = np.concatenate(found)
        return chances

    def _salted(self, places: Numbers, salt: Any) -> Iterator[Numbers]:
        """The chances of the examples at ascending places, a batch at a time."""
        first = done = 0
        for batch in self.batches():
            end = int(np.searchsorted(places, first + len(batch)))
            if end > done:
                texts = batch.column("messages").take(pa.array(places[done:end] - first))
                yield np.array([_chance(salt, key) for key in identities(texts)], np.uint64)
            first, done = first + len(batch), end


def _received(helper: Forked[Numbers]) -> Iterable[Numbers]:
    while True:
        try:
            yield helper.receive()
        except Finished:
            return


def _chance(salt: Any, identity: bytes) -> int:
    digest = salt.copy()
    digest.update(identity)
    return int.from_bytes(digest.digest(), "big")
