"""Reading of Parquet files with pyarrow, which takes 150 ms to import.

A file of 300 bytes can expand to gigabytes. So the sizes in its footer are checked first, and then a separate process
with a memory limit reads it once before any other process does.
"""

from __future__ import annotations

import base64
import datetime
import json
import mmap
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.formats.arrow import column_metadata
from core.data.formats.arrow.parquet_probe import BATCH
from core.data.formats.csv_dialect.header import column_names
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
_ARROW_TIME = re.compile(r"^(-?\d+-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.0+)?")


def inspect(path: Path) -> tuple[tuple[str, ...], str, tuple[Finding, ...]]:
    """Check the file before its rows are read: footer, declared sizes, and a trial read with a limit.

    Returns:
        The columns, a note for the user, and findings.

    Raises:
        DataError: truncated, damaged, encrypted, too large, several files joined, or without rows.
    """
    with _opened(path) as file:
        meta = file.metadata
        _check_sizes(meta)
        plan = _Plan(file.schema_arrow)
    _check_single(path)
    if meta.num_rows == 0:
        raise data_error("no_rows", f"The file has columns ({', '.join(plan.columns[:8])}) but no rows.")
    _probe(path)
    note = f"Parquet with {plural(meta.num_rows, 'row')} in {plural(meta.num_row_groups, 'row group')}."
    return plan.columns, note, plan.findings()


def read(path: Path) -> Iterator[Row | Reject]:
    """The rows in order, numbered from 1.

    Raises:
        DataError: while iterating, where the file cannot be read any further.
    """
    number = 0
    with _opened(path) as file:
        plan = _Plan(file.schema_arrow)
        try:
            for batch in file.iter_batches(BATCH, columns=plan.sources, use_threads=False):
                yield from _rows(batch.rename_columns(list(plan.columns)), plan, number)
                number += len(batch)
        except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
            raise _unreadable(error) from error


class _Plan:
    """How the columns of a file are read.

    Attributes:
        sources: the columns that are read; None: all.
        columns: their names as fields. Two columns of one name would become one key, so that the second is renamed.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._index = column_metadata.index_columns(schema.names, schema.metadata)
        kept = [name for name in schema.names if name not in self._index]
        if not kept:
            self._index, kept = (), schema.names
        self.sources = kept if self._index else None
        self.columns, self._renamed = column_names(kept, 0)
        labels = column_metadata.label_names(schema.metadata)
        self.labels = {name: names for name, names in labels.items() if name in self.columns}

    def findings(self) -> tuple[Finding, ...]:
        """What a user is told about the columns."""
        kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
        binary = [field.name for field in self._schema if any(is_kind(field.type) for is_kind in kinds)]
        return (
            *column_metadata.findings_about(self._index, self.labels),
            *(_binary(name) for name in binary if name not in self._index),
            *(replace(item, line=None) for item in self._renamed),
        )


def _binary(name: str) -> Finding:
    message = f"Column {name!r} is binary; values that are not text are read as base64."
    return finding("binary_as_base64", message, field=name)


def _rows(batch: Any, plan: _Plan, before: int) -> Iterator[Row | Reject]:
    """The rows of a batch; a value that cannot be converted (text that is not UTF-8) rejects only its row."""
    columns = [_values(column) for column in batch.columns]
    for at, name in enumerate(plan.columns):
        if name in plan.labels:
            columns[at] = [plan.labels[name](value) for value in columns[at]]
    for number, values in enumerate(zip(*columns, strict=True), start=before + 1):
        fields = dict(zip(plan.columns, values, strict=True))
        bad = next((name for name, value in fields.items() if isinstance(value, _Bad)), None)
        if bad is not None:
            yield _rejected(number, fields, bad)
        elif any(isinstance(value, str) and "\0" in value for value in values):
            raw = shortened(json.dumps(fields, ensure_ascii=False))
            yield reject("nul", f"Row {number} contains a NUL character.", line=number, raw=raw)
        else:
            yield Row(number, fields)


@dataclass(frozen=True, slots=True)
class _Bad:
    """A value that cannot be read: its text as far as it has one, and the reason."""

    text: str
    code: str
    reason: str


def _values(column: Any) -> list[Any]:
    """The values of a column as JSON; those that Python has no type for, such as dates after 9999, as text."""
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError):
        return [_value(column.slice(index, 1)) for index in range(len(column))]
    return values if _is_plain(column.type) else list(map(plain, values))


def _is_plain(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
    )


def _value(one: Any) -> Any:
    """A single value; a date or time that is out of Python's range as Arrow writes it, with a T as in ISO 8601."""
    try:
        return plain(one.to_pylist()[0])
    except (ValueError, OverflowError) as error:
        if isinstance(error, UnicodeDecodeError):
            return _Bad(_bytes_of(one), "encoding", "is not valid UTF-8")
        try:
            value = plain(one.cast(_with_texts(one.type)).to_pylist()[0])
            return _ARROW_TIME.sub(r"\1T\2", value) if isinstance(value, str) else value
        except (pa.ArrowException, ValueError, OverflowError):
            return _Bad("(unreadable)", "parquet_unreadable", f"cannot be read ({str(error)[:100]})")


def _with_texts(kind: Any) -> Any:
    """The type with text in place of dates and times, inside lists, objects and maps as well."""
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_with_texts(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_with_texts(kind.key_type), _with_texts(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _with_texts(field.type)) for field in kind])
    return kind


def _rejected(number: int, fields: Mapping[str, Any], bad: str) -> Reject:
    shown = {name: value.text if isinstance(value, _Bad) else value for name, value in fields.items()}
    problem = fields[bad]
    message = f"Row {number}: column {bad!r} {problem.reason}."
    return reject(problem.code, message, line=number, raw=shortened(json.dumps(shown, ensure_ascii=False), 1_000_000))


def _bytes_of(column: Any) -> str:
    """Text that is not UTF-8, with its bad bytes as lone surrogates."""
    try:
        kind = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        return str(column.cast(kind).to_pylist()[0].decode("utf-8", "surrogateescape"))
    except (pa.ArrowException, ValueError, AttributeError):
        return "(unreadable)"


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


def _check_single(path: Path) -> None:
    """Refuse files that were joined byte by byte: the last footer's positions would lead into the first file."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(b"PAR1PAR1")
        while at >= 0:
            try:  # the eight bytes may be part of a text: only the end of a file has a footer before them
                pq.read_metadata(pa.BufferReader(content[: at + 4]))
            except (pa.ArrowException, OSError, ValueError):
                at = content.find(b"PAR1PAR1", at + 1)
                continue
            raise data_error("parquet_joined", "The file is several Parquet files, one after another.")


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
