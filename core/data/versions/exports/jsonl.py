"""Chat JSONL: the version's file holds the messages as JSON already, so columns are copied and nothing is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from core.data.versions.exports.base import ExportFormat, lost
from core.data.versions.files import has_any
from core.messages import Example

_BYTES, _MOST_ROWS = 1 << 20, 20_000  # of messages that are read at once, about


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """`{"messages": [...]}` lines of the examples in their order, with `tools` where there are some; many per block."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = ["messages", *(["split"] if split else []), *(["tools"] if has_any(path, "tools") else [])]
    with pq.ParquetFile(path) as file, ThreadPoolExecutor(1) as beside:
        for batch in _ahead(beside, file.iter_batches(_rows_at_once(file.metadata), columns=columns)):
            if split:
                batch = batch.filter(pc.equal(batch.column("split"), split))
            pieces = ['{"messages": ', batch.column("messages")]
            if "tools" in columns:
                tools = pc.binary_join_element_wise(', "tools": ', batch.column("tools"), "")
                pieces.append(pc.fill_null(tools, ""))
            lines = pc.binary_join_element_wise(*pieces, "}\n", "")
            if len(lines):
                _, offsets, data = lines.buffers()
                bounds = memoryview(offsets).cast("i")
                yield bytes(memoryview(data)[bounds[lines.offset] : bounds[lines.offset + len(lines)]])


def _rows_at_once(metadata: Any) -> int:
    """A row is one example: of long ones fewer are read at once."""
    place = metadata.schema.to_arrow_schema().names.index("messages")  # no column before it has several leaves
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    size: int = sum(group.column(place).total_uncompressed_size for group in groups)
    rows: int = _BYTES * metadata.num_rows // max(size, 1)
    return max(min(rows, _MOST_ROWS), 1)


def _ahead(beside: ThreadPoolExecutor, batches: Iterable[Any]) -> Iterator[Any]:
    """The same batches; while one is written, the next one is unpacked."""
    waiting = iter(batches)
    coming = beside.submit(next, waiting, None)
    while (batch := coming.result()) is not None:
        coming = beside.submit(next, waiting, None)
        yield batch


def _losses(example: Example) -> Iterator[str]:
    yield "split"
    yield from lost(example, "rejected", "flags")


JSONL: Final = ExportFormat(
    "jsonl", "JSONL", "Chat messages, one example per line; what most trainers read.", ".jsonl", "application/jsonl",
    _losses, write,
)  # fmt: skip
