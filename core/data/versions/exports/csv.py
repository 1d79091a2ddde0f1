"""CSV: one example per row for spreadsheets, with all messages as JSON in the last column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.data.examples.identity import stored
from core.data.versions.exports.base import BLOCK_BYTES, ExportFormat, examples, lost
from core.messages import Example

# Source: OWASP, "CSV Injection": what a spreadsheet takes for a formula at the start of a cell.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("system", "input", "output", "split", "messages")


def _cells(example: Example) -> tuple[str, ...]:
    system = "\n".join(message.content for message in example.messages if message.role == "system")
    question = next((message.content for message in example.messages if message.role == "user"), "")
    answer = next((message.content for message in reversed(example.messages) if message.role == "assistant"), "")
    return system, question, answer, example.split, stored(example.messages)


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """A table, about a megabyte per block."""
    buffer = io.StringIO()
    out = csv.writer(buffer, lineterminator="\r\n")  # Source: RFC 4180
    out.writerow(_COLUMNS)
    for example in examples(path, split):
        out.writerow([_safe(cell) for cell in _cells(example)])
        if buffer.tell() > BLOCK_BYTES:
            yield buffer.getvalue().encode("utf-8", "surrogatepass")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "surrogatepass")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _losses(example: Example) -> Iterator[str]:
    if any(cell.startswith(_FORMULA) for cell in _cells(example)):
        yield "formula"
    if sum(message.role != "system" for message in example.messages) > 2:
        yield "turns"
    yield from lost(example, "flags")


CSV: Final = ExportFormat(
    "csv", "CSV", "A table: system, input, output, split, and all messages as JSON.", ".csv", "text/csv", _losses, write
)
