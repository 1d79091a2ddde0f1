"""Chat JSONL: the version's file holds the messages as JSON already, so columns are copied and nothing is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.data.versions.exports.base import ExportFormat, lost
from core.messages import Example

_ROWS: Final = 2_000  # read at once; a row is one example


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """`{"messages": [...]}` lines of the examples in their order, many lines per block."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS, columns=["messages", "split"]):
            messages = batch.column("messages")
            if split is not None:
                messages = messages.filter(pc.equal(batch.column("split"), split))
            lines = pc.binary_join_element_wise('{"messages": ', messages, "}\n", "")
            if len(lines):
                _, offsets, data = lines.buffers()
                bounds = memoryview(offsets).cast("i")
                yield bytes(memoryview(data)[bounds[lines.offset] : bounds[lines.offset + len(lines)]])


def _losses(example: Example) -> Iterator[str]:
    yield "split"
    yield from lost(example, "flags")


JSONL: Final = ExportFormat(
    "jsonl", "JSONL", "Chat messages, one example per line; what most trainers read.", ".jsonl", "application/jsonl",
    _losses, write,
)  # fmt: skip
