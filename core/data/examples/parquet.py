"""Parquet files of examples and of what is found about them: written row by row, and queried with DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import duckdb

BATCH = 2_000  # rows held in memory before they are written


class ParquetRows:
    """A Parquet file that is written row by row, a batch at a time."""

    def __init__(self, path: Path, schema: Any, batch: int = BATCH) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._schema, self._batch = schema, batch
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


@contextmanager
def connect(memory: str = "512MB") -> Iterator[duckdb.DuckDBPyConnection]:
    """A separate DuckDB for one query; what does not fit into its memory goes to disk."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": memory})
    try:
        yield connection
    finally:
        connection.close()
