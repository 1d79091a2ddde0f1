"""Parquet files of examples and of what is found about them: written row by row, and queried with DuckDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import duckdb

MEMORY: Final = "512MB"  # of a DuckDB
SHARED_MEMORY: Final = "1GB"  # of one that several threads read with
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


_shared: dict[int, duckdb.DuckDBPyConnection] = {}  # by process


@contextmanager
def reading() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads files and creates nothing.

    Opening a DuckDB takes several times as long as reading one page, so a process with threads, which never forks
    (`core.platform.forking`), opens one for all of them: a fork would have it without the threads it works with.
    """
    import duckdb

    from core.platform.forking import may_fork  # a short command does without

    if may_fork():
        with connect() as connection:
            yield connection
        return
    opened = _shared.get(os.getpid()) or _shared.setdefault(os.getpid(), _open(SHARED_MEMORY))
    with opened.cursor() as connection:
        try:
            yield connection
        except (duckdb.FatalException, duckdb.InternalException):  # it refuses every later query too
            _shared.pop(os.getpid(), None)
            raise


@contextmanager
def connect(memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A separate DuckDB, for tables and functions of one task; what does not fit into its memory goes to disk."""
    connection = _open(memory)
    try:
        yield connection
    finally:
        connection.close()


def _open(memory: str) -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 2, "memory_limit": memory})
