"""A version as chat JSONL, straight from its file: the messages are JSON there already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.messages import Split

_ROWS = 20_000


def stream(path: Path, split: Split | str | None = None) -> Iterator[bytes]:
    """`{"messages": [...]}` lines of a version's examples, in their order; many lines at a time.

    Args:
        path: the examples file.
        split: train or validation; None: both.
    """
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
