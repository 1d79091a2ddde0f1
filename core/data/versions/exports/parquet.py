"""Parquet: chat messages in nested columns; the one format that carries everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.data.examples.identity import stored_tools
from core.data.versions.exports.base import BLOCK_BYTES, ExportFormat, examples
from core.messages import Example
from core.platform import disk, scratch

_BYTES_PER_STORED_BYTE: Final = 3  # nested columns may compress less than the stored ones


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """The file, written to a temporary place and then read block by block.

    Raises:
        StorageError: there is no room for it; at the call, not in the middle of the file.
    """
    disk.require(_BYTES_PER_STORED_BYTE * path.stat().st_size, "the download", scratch.root())
    return _write(path, split)


def _write(path: Path, split: str | None) -> Iterator[bytes]:
    from core.data.examples.parquet import ParquetRows

    with scratch.folder() as folder:
        target = folder / "examples.parquet"
        rows = ParquetRows(target, _schema())
        for example in examples(path, split):
            rows.add(
                {
                    "messages": [message.to_dict() for message in example.messages],
                    "split": example.split,
                    "source_line": example.source_line,
                    "flags": list(example.flags),
                    "tools": stored_tools(example.tools),
                    "rejected": [message.to_dict() for message in example.rejected] or None,
                }
            )
        rows.close()
        with target.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block


def _schema() -> Any:
    import pyarrow as pa

    function = pa.struct([("name", pa.string()), ("arguments", pa.string())])
    call = pa.struct([("id", pa.string()), ("type", pa.string()), ("function", function)])
    message = pa.struct(
        [
            ("role", pa.string()), ("content", pa.string()), ("weight", pa.int8()), ("name", pa.string()),
            ("tool_calls", pa.list_(call)), ("tool_call_id", pa.string()),
        ]
    )  # fmt: skip
    return pa.schema(
        [
            ("messages", pa.list_(message)), ("split", pa.string()), ("source_line", pa.int64()),
            ("flags", pa.list_(pa.string())), ("tools", pa.string()), ("rejected", pa.list_(message)),
        ]
    )  # fmt: skip


def _losses(example: Example) -> tuple[str, ...]:
    return ()


PARQUET: Final = ExportFormat(
    "parquet", "Parquet", "Chat messages in columns, with tools, rejected answers, split and findings.", ".parquet",
    "application/vnd.apache.parquet", _losses, write,
)  # fmt: skip
