"""Record batches in a file: written by the process that makes them, and read where they are by another one.

Sent from process to process, a million examples would be copied three times: into a pipe, out of it, and into a file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SavedBatch:
    """Where a record batch is: in which file, from which byte on, and its rows."""

    path: Path
    offset: int
    rows: int

    def __len__(self) -> int:
        return self.rows


class BatchFile:
    """A file that record batches of one schema are appended to.

    Args:
        start: how its path begins: what follows is different for each file.
    """

    def __init__(self, start: Path, schema: Any) -> None:
        number, name = tempfile.mkstemp(dir=start.parent, prefix=f"{start.name}-")
        os.close(number)
        self._path = Path(name)
        self._sink = pa.OSFile(name, "wb")
        self._writer = pa.ipc.new_stream(self._sink, schema)

    def add(self, batch: Any) -> SavedBatch:
        """Append a batch; from now on every process can read it."""
        offset = self._sink.tell()
        self._writer.write_batch(batch)
        return SavedBatch(self._path, offset, len(batch))

    def close(self) -> None:
        """Write no more."""
        self._writer.close()
        self._sink.close()


def read(several: Iterable[SavedBatch], schema: Any) -> Iterator[Any]:
    """The batches, one at a time: their columns are pages of the files, which take no memory."""
    sources: dict[Path, Any] = {}
    try:
        for saved in several:
            source = sources.get(saved.path) or sources.setdefault(saved.path, pa.memory_map(str(saved.path)))
            source.seek(saved.offset)
            message = pa.ipc.read_message(source)
            if message.type == "schema":  # the first batch of a file is behind it
                message = pa.ipc.read_message(source)
            yield pa.ipc.read_record_batch(message, schema)
    finally:
        for source in sources.values():
            source.close()
