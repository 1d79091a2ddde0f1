"""Reading of Parquet files with pyarrow, which takes 150 ms to import.

A file of 300 bytes can expand to gigabytes. So the sizes in its footer are checked first, and then a separate process
with a memory limit reads it once before any other process does.
"""

from __future__ import annotations

import base64
import datetime
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.formats.csv import column_names
from core.data.formats.parsing.parquet_probe import BATCH
from core.data.formats.parsing.text import shortened
from core.data.issues import data_error, finding, reject
from core.errors import DataError
from core.messages import Finding, Reject, Row
from core.text import plural, size, too_large

MAX_UNPACKED_BYTES = 2 << 30
MAX_ROWS = 10_000_000  # rows of nothing take no space in the file and a microsecond or two each
MAX_COLUMNS = 10_000
_PROBE = Path(__file__).with_name("parquet_probe.py")
_PROBE_LIMIT_S = 300


def inspect(path: Path) -> tuple[tuple[str, ...], str, tuple[Finding, ...]]:
    """Check the file before its rows are read: footer, declared sizes, and a trial read with a limit.

    Returns:
        The columns, a note for the user, and findings.

    Raises:
        DataError: truncated, damaged, encrypted, too large, or without rows.
    """
    with _opened(path) as file:
        meta, schema = file.metadata, file.schema_arrow
        _check_sizes(meta)
        kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
        binary = [field.name for field in schema if any(is_kind(field.type) for is_kind in kinds)]
        columns, renamed = column_names(schema.names, 0)
    if meta.num_rows == 0:
        raise data_error("no_rows", f"The file has columns ({', '.join(columns[:8])}) but no rows.")
    _probe(path)
    note = f"Parquet with {meta.num_rows:,} rows in {plural(meta.num_row_groups, 'row group')}."
    findings = [
        finding("binary_as_base64", f"Column {name!r} is binary; values that are not text are read as base64.",
                field=name)
        for name in binary
    ]  # fmt: skip
    findings += [replace(item, line=None) for item in renamed]
    return columns, note, tuple(findings)


def read(path: Path) -> Iterator[Row | Reject]:
    """The rows in order, numbered from 1.

    Raises:
        DataError: while iterating, where the file cannot be read any further.
    """
    number = 0
    with _opened(path) as file:
        # Two columns of one name would become one key, and the values of the first would be lost.
        names, _ = column_names(file.schema_arrow.names, 0)
        try:
            for batch in file.iter_batches(BATCH, use_threads=False):
                yield from _rows(batch.rename_columns(list(names)), number)
                number += len(batch)
        except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
            raise _unreadable(error) from error


def _rows(batch: Any, before: int) -> Iterator[Row | Reject]:
    """The rows of a batch; a value that cannot be converted (text that is not UTF-8) rejects only its row."""
    try:
        values = batch.to_pylist()
    except (ValueError, OverflowError):
        for index in range(len(batch)):
            yield _one(batch.slice(index, 1), before + index + 1)
        return
    for number, fields in enumerate(values, start=before + 1):
        yield _row(number, fields)


def _one(row: Any, number: int) -> Row | Reject:
    try:
        return _row(number, row.to_pylist()[0])
    except (ValueError, OverflowError) as error:
        shown: dict[str, Any] = {}
        bad = ""
        for name, column in zip(row.schema.names, row.columns, strict=True):
            try:
                shown[name] = plain(column.to_pylist()[0])
            except (ValueError, OverflowError):
                bad = bad or name
                shown[name] = _bytes_of(column)
        code, what = "encoding", "is not valid UTF-8"
        if not isinstance(error, UnicodeDecodeError):
            code, what = "parquet_unreadable", f"cannot be read ({str(error)[:100]})"
        message = f"Row {number}: column {bad!r} {what}."
        return reject(code, message, line=number, raw=shortened(json.dumps(shown, ensure_ascii=False), 1_000_000))


def _bytes_of(column: Any) -> str:
    """Text that is not UTF-8, with its bad bytes as lone surrogates."""
    try:
        kind = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        return str(column.cast(kind).to_pylist()[0].decode("utf-8", "surrogateescape"))
    except (pa.ArrowException, ValueError, AttributeError):
        return "(unreadable)"


def _row(number: int, values: Mapping[str, Any]) -> Row | Reject:
    fields = {name: plain(value) for name, value in values.items()}
    if any(isinstance(value, str) and "\0" in value for value in fields.values()):
        return reject("nul", f"Row {number} contains a NUL character.", line=number, raw=shortened(repr(fields)))
    return Row(number, fields)


def plain(value: Any) -> Any:
    """A Parquet value as JSON: decimals and times as text, bytes as text or base64, maps as objects."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinities become their names
    if isinstance(value, bytes):
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        return text if "\0" not in text else base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):  # a map
            return {str(key): plain(item) for key, item in value}
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _opened(path: Path) -> Any:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> DataError:
    text = str(error)
    if "encrypt" in text.lower() or "decrypt" in text.lower():
        return data_error("parquet_encrypted", "The Parquet file is encrypted.")
    if isinstance(error, MemoryError | pa.ArrowMemoryError):
        return data_error("parquet_too_large", "A page of the Parquet file needs more memory than is available.")
    reason = text.splitlines()[0][:200].rstrip(".") if text else "damaged"
    return data_error("parquet_unreadable", f"The Parquet file cannot be read: {reason}.")


def _check_sizes(meta: Any) -> None:
    """Refuse a file that is too large by its footer."""
    unpacked = sum(max(meta.row_group(group).total_byte_size, 0) for group in range(meta.num_row_groups))
    if meta.num_rows > MAX_ROWS or meta.num_columns > MAX_COLUMNS or unpacked > MAX_UNPACKED_BYTES:
        raise data_error(
            "parquet_too_large",
            f"The Parquet file declares {meta.num_rows:,} rows in {meta.num_columns:,} columns, "
            f"{size(unpacked)} unpacked; the limits are {MAX_ROWS:,} rows, {MAX_COLUMNS:,} columns and "
            f"{size(MAX_UNPACKED_BYTES)}.",
        )


def _probe(path: Path) -> None:
    """Read the file once in a separate process, which may use at most 4 GB and may crash without harm."""
    # -P: csv.py in the same folder must not hide Python's own.
    command = [sys.executable, "-P", str(_PROBE), str(path), str(MAX_UNPACKED_BYTES)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_LIMIT_S, text=True, errors="replace")
    except subprocess.TimeoutExpired as error:
        raise data_error("parquet_too_large", f"Reading the file took more than {_PROBE_LIMIT_S} s.") from error
    if done.returncode == 0:
        return
    if done.returncode == 3:
        raise data_error("parquet_too_large", too_large("Unpacked, the Parquet file", MAX_UNPACKED_BYTES))
    reason = done.stdout.strip()[:200].rstrip(".") or "its data is damaged"
    raise data_error("parquet_unreadable", f"The Parquet file cannot be read: {reason}.")
