"""Chat JSONL: the version's file holds the messages as JSON already, so columns are copied and nothing is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.data.versions.exports.base import ExportFormat, lost
from core.data.versions.files import has_any
from core.messages import Example

_ROWS: Final = 2_000  # read at once; a row is one example


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """`{"messages": [...]}` lines of the examples in their order, with `tools` where there are some; many per block."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = ["messages", "split", *(["tools"] if has_any(path, "tools") else [])]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS, columns=columns):
            if split is not None:
                batch = batch.filter(pc.equal(batch.column("split"), split))
            lines = pc.binary_join_element_wise('{"messages": ', batch.column("messages"), "")
            if "tools" in columns:
                tools = pc.binary_join_element_wise(', "tools": ', batch.column("tools"), "")
                lines = pc.binary_join_element_wise(lines, pc.fill_null(tools, ""), "")
            lines = pc.binary_join_element_wise(lines, "}\n", "")
            if len(lines):
                _, offsets, data = lines.buffers()
                bounds = memoryview(offsets).cast("i")
                yield bytes(memoryview(data)[bounds[lines.offset] : bounds[lines.offset + len(lines)]])


def _losses(example: Example) -> Iterator[str]:
    yield "split"
    yield from lost(example, "rejected", "flags")


JSONL: Final = ExportFormat(
    "jsonl", "JSONL", "Chat messages, one example per line; what most trainers read.", ".jsonl", "application/jsonl",
    _losses, write,
)  # fmt: skip
