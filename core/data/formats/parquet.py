"""Parquet, by row groups. There are no lines in it: a row's `line` is its number, from 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.data.formats.base import Detection, Format, Head
from core.data.issues import data_error
from core.data.reading_options import Reading
from core.messages import Reject, Row

# parquet_file is imported when a file is read: pyarrow takes 150 ms to import, too long for `sft --help`.

MAGIC, ENCRYPTED = b"PAR1", b"PARE"


class ParquetFormat(Format):
    """Columnar files."""

    id = "parquet"
    label = "Parquet"
    suffixes = (".parquet", ".pq")
    magic = (MAGIC, ENCRYPTED)
    can_fork = False  # its reader uses threads

    def sniff(self, head: Head) -> float:
        if self.has_magic(head.raw):
            return 1.0
        return 0.6 if head.suffix in self.suffixes else 0.0  # only the suffix says so: a text format may fit better

    def detect(self, head: Head, chosen: Reading) -> Detection:
        if head.raw.startswith(ENCRYPTED):
            raise data_error("parquet_encrypted", "The Parquet file is encrypted.")
        if not head.raw.startswith(MAGIC):
            raise data_error("parquet_unreadable", "The file has a Parquet name, but does not begin with PAR1.")
        return Detection(self.id, None, notes=("Parquet.",))

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """Check the file before its rows are read: footer, declared sizes, and a trial read with a memory limit.

        Raises:
            DataError: truncated, damaged, encrypted, too large, or without rows.
        """
        from core.data.formats.arrow import parquet_file

        columns, note, findings = parquet_file.inspect(path)
        return replace(detection, columns=columns, notes=(note,), findings=(*findings, *detection.findings))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        from core.data.formats.arrow import parquet_file

        return parquet_file.read(path)
