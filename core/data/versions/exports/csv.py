"""CSV: one example per row for spreadsheets, with all messages as JSON in the last column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from core.data.versions.exports.base import BLOCK_BYTES, ExportFormat, examples, lost
from core.data.versions.files import ADDED_LATER, example_row, has_any
from core.messages import Example
from core.text import spreadsheet_cell

_COLUMNS = ("system", "input", "output", "split", "messages", *ADDED_LATER)


def _cells(example: Example) -> tuple[str, ...]:
    system = "\n".join(message.content for message in example.messages if message.role == "system")
    question = next((message.content for message in example.messages if message.role == "user"), "")
    row = example_row(0, example, ())
    beside = (row.get(name) or "" for name in ADDED_LATER)
    return system, question, example.answer, example.split, row["messages"], *beside


def write(path: Path, split: str | None = None) -> Iterator[bytes]:
    """A table, about a megabyte per block; no cell of it is a formula for a spreadsheet."""
    return _table(path, split, spreadsheet_cell)


def write_unchanged(path: Path, split: str | None = None) -> Iterator[bytes]:
    """The same with every cell as it is."""
    return _table(path, split, str)


def _table(path: Path, split: str | None, cell: Callable[[str], object]) -> Iterator[bytes]:
    buffer = io.StringIO()
    # Source: RFC 4180. Everything is quoted: where a spreadsheet splits at `;`, `a;=1+1` would become a formula.
    out = csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    # The columns of tools and rejected answers only where a version has some.
    width = len(_COLUMNS) if has_any(path, *ADDED_LATER) else len(_COLUMNS) - len(ADDED_LATER)
    out.writerow(_COLUMNS[:width])
    for example in examples(path, split):
        out.writerow(map(cell, _cells(example)[:width]))
        if buffer.tell() > BLOCK_BYTES:
            yield buffer.getvalue().encode("utf-8", "surrogatepass")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "surrogatepass")


def _losses(example: Example) -> Iterator[str]:
    if any(spreadsheet_cell(cell) != cell for cell in _cells(example)):
        yield "formula"
    if sum(message.role != "system" for message in example.messages) > 2:
        yield "turns"
    yield from lost(example, "flags")


CSV: Final = ExportFormat(
    "csv", "CSV", "A table: system, input, output, split, and everything as JSON.", ".csv", "text/csv", _losses,
    write, write_unchanged,
)  # fmt: skip
