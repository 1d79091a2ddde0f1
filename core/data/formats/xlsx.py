"""Excel workbooks (.xlsx): cells become text as Excel shows them; a row's line is its row number.

A workbook of 10 kB can expand to gigabytes. So its declared sizes and its cells are counted first (xlsx_archive.py),
and then a separate process with a memory limit reads it (workbook/xlsx_rows.py) and sends the rows one by one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from core.data.formats.base import Detection, Format, Head, ReadingChoice, SheetFound
from core.data.formats.csv import layout_choices, layout_facts
from core.data.formats.csv_dialect.header import chosen_names, column_names, header_rows, joined, numbered
from core.data.formats.csv_dialect.preamble import find_preamble, skipped
from core.data.formats.xlsx_archive import check_archive
from core.data.issues import data_error, finding, reject
from core.data.reading_options import Reading, ReadingOption, how
from core.messages import Finding, Reject, Row
from core.text import plural

_ALL = 1 << 60
_SAMPLE_ROWS = 200
_READ_AS_EMPTY = {
    "xlsx_error_cells": "an Excel error such as #N/A",
    "xlsx_formula_cells": "a formula that was never computed",
}
_READER = "core.data.workbook.xlsx_rows"
_NAMED = 5  # sheets, ranges or columns in one sentence


class XlsxFormat(Format):
    """Sheets of a workbook."""

    id = "xlsx"
    label = "Excel"
    suffixes = (".xlsx", ".xlsm")
    magic = (b"PK\x03\x04",)
    can_nest = False
    can_fork = False  # a separate process reads it

    def has_magic(self, raw: bytes) -> bool:
        if not raw.startswith(self.magic):  # most files: a megabyte need not be searched
            return False
        return (b"xl/" in raw or b"[Content_Types].xml" in raw) and b"word/" not in raw

    def sniff(self, head: Head) -> float:
        return 1.0 if self.has_magic(head.raw) else 0.0

    def detect(self, head: Head, chosen: Reading) -> Detection:
        if not self.has_magic(head.raw):
            raise data_error("xlsx_unreadable", "The file is not an Excel workbook.")
        return Detection(self.id, None, notes=("An Excel workbook.",))

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """The sheets, and how the chosen one is read.

        Raises:
            DataError: damaged, encrypted, too large unpacked, no such sheet, or without rows.
        """
        empty_cells = check_archive(path)
        with closing(_lines(path, chosen.sheet or "", chosen.merged, limit=_SAMPLE_ROWS, look=True)) as lines:
            about = next(lines)
            table = [(int(number), list(cells)) for number, cells in lines]
        sheets = tuple(SheetFound(**entry) for entry in about["sheets"])
        requested, sheet = chosen.sheet, str(about["sheet"])
        if requested and requested != sheet:
            names = ", ".join(repr(found.name) for found in sheets[:20])
            raise data_error("xlsx_unreadable", f"There is no sheet {requested!r}.", f"Choose one of {names}.")
        if not table:
            raise data_error("no_rows", f"Sheet {requested!r} is empty." if requested else "The workbook is empty.")
        found = _with_columns(replace(detection, sheet=sheet, sheets=sheets), table, chosen, empty_cells)
        merged = _merged(about["merged"], found, about["left"])
        if merged:
            found = replace(found, merged=chosen.merged or "keep")
        findings = (
            *_other_sheets(found, about["covers"]),
            *(_merged_finding(merged) if merged and found.merged == "keep" else ()),
            *_format_findings(about["problems"], found.columns),
        )
        return found.with_notes(findings=findings)

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        options = [
            ReadingOption(name, name, f"{rows:,} rows, {columns:,} columns" + ("" if visible else ", hidden"))
            for name, rows, columns, visible in map(astuple, current.sheets)
        ]
        sheets = (ReadingChoice.of("sheet", detected, current, options),) if len(options) > 1 else ()
        merged = (ReadingChoice.of("merged", detected, current),) if current.merged else ()
        return (*sheets, *layout_choices(detected, current), *merged, ReadingChoice.of("names", detected, current))

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        return (("Sheet", detection.sheet), *layout_facts(detection))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        left, names = int(detection.header or 0), detection.columns
        header: list[str] | None = None
        with closing(_lines(path, detection.sheet, detection.merged)) as lines:
            next(lines)
            for number, cells in lines:
                if number <= detection.skip_lines:
                    continue
                if left:
                    left -= 1
                    header = cells if detection.header == 1 and len(cells) > 1 else None
                elif cells == header:
                    message = "The row repeats the header."
                    yield reject("header_repeated", message, line=number, raw="\t".join(cells))
                else:
                    yield Row(number, dict(zip(names, cells, strict=True)))


def _with_columns(
    found: Detection, table: list[tuple[int, list[str]]], chosen: Reading, empty_cells: Counter[str]
) -> Detection:
    """Header, preamble and names, as for a CSV."""
    skip = find_preamble(table) if chosen.skip_lines is None else chosen.skip_lines
    rows = [cells for number, cells in table if number > skip]
    if not rows:
        raise data_error("no_rows", "There are no rows after the skipped lines.")
    header = header_rows(rows) if chosen.header is None else chosen.header
    first = next(number for number, _ in table if number > skip)
    columns, findings = column_names(joined(rows[:header]), first) if header else (numbered(len(rows[0])), ())
    if header and len(rows) <= header and len(table) < _SAMPLE_ROWS:
        raise data_error("no_rows", f"The file has a header ({', '.join(columns[:8])}) but no rows.")
    preamble = tuple("\t".join(cells).rstrip()[:500] for number, cells in table if number <= skip)
    if preamble:
        findings = (skipped(len(preamble), "row"), *findings)
    for code, what in _READ_AS_EMPTY.items():
        if empty_cells[code]:
            verbs = ("contains", "is") if empty_cells[code] == 1 else ("contain", "are")
            message = f"{plural(empty_cells[code], 'cell')} {verbs[0]} {what} and {verbs[1]} read as empty."
            findings = (*findings, finding(code, message))
    note = f"Sheet {found.sheet!r}, one of {len(found.sheets)}." if len(found.sheets) > 1 else f"Sheet {found.sheet!r}."
    named = f"Row {first} names the {len(columns)} columns." if header else "No header: columns are numbered."
    return replace(
        found, header=header, skip_lines=skip, columns=chosen_names(columns, chosen), names=chosen.names or (),
        preamble=preamble,
        findings=(*findings, *found.findings),
        notes=(
            note, named,
            "Cells are text as Excel shows them; dates in the style of the computer's region are in ISO 8601.",
        ),
    )  # fmt: skip


# ---- what a user is told


def _other_sheets(found: Detection, covers: Sequence[str]) -> Iterator[Finding]:
    """The sheets that are not read: cover pages before the first table, and others with rows."""
    if covers:
        listed, verb = _listed(covers), "has" if len(covers) == 1 else "have"
        message = f"{listed} {verb} no table; the first sheet with one is read, {found.sheet!r}."
        yield finding("sheet_cover", message, f"Read another one: {how('sheet')}.")
    others = [sheet for sheet in found.sheets if sheet.rows and sheet.name != found.sheet and sheet.name not in covers]
    if others:
        sizes = [f"{sheet.name!r} ({plural(sheet.rows, 'row')})" for sheet in others[:_NAMED]]
        more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
        message = f"Only sheet {found.sheet!r} is read, not {', '.join(sizes)}{more}."
        yield finding(
            "sheets_unread", message, f"Read another one: {how('sheet')}. A dataset has the rows of one sheet."
        )


def _listed(names: Sequence[str]) -> str:
    return ("Sheet " if len(names) == 1 else "Sheets ") + ", ".join(map(repr, names[:_NAMED]))


def _merged(ranges: Sequence[Any], found: Detection, left: int) -> dict[str, list[tuple[int, int]]]:
    """Column -> first and last row of each of its merged ranges below the header."""
    above = found.skip_lines + int(found.header or 0)
    merged: dict[str, list[tuple[int, int]]] = {}
    for (first, column), (last, _) in sorted(ranges):
        if first >= above and 0 <= column - left < len(found.columns):
            merged.setdefault(found.columns[column - left], []).append((first + 1, last + 1))
    return merged


def _merged_finding(merged: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[Finding]:
    for name, ranges in list(merged.items())[:_NAMED]:
        rows = ", ".join(f"{first:,} to {last:,}" for first, last in ranges[:_NAMED])
        more = f" and {len(ranges) - _NAMED:,} more" if len(ranges) > _NAMED else ""
        message = f"Cells of {name!r} are merged over rows {rows}{more}; only the first of them has the text."
        yield finding("merged_cells", message, f"Choose {how('merged', 'repeat')}.", field=name)


def _format_findings(problems: Sequence[Any], columns: Sequence[str]) -> Iterator[Finding]:
    for column, code, reason, count in problems:
        if 0 <= column < len(columns):
            verb = "has" if count == 1 else "have"
            message = (
                f"{plural(count, 'cell')} of {columns[column]!r} {verb} the number format {code!r}, which cannot be "
            )
            message += f"shown as Excel does: {reason}. The plain value is read."
            yield finding("xlsx_format", message, field=columns[column])


def _lines(
    path: Path, sheet: str, merged: str | None, limit: int = _ALL, look: bool = False
) -> Generator[Any, None, None]:
    """The output of the reading process, one value per line; closing the generator ends the process."""
    request = {"sheet": sheet, "limit": limit, "repeat": merged == "repeat", "look": look}
    command = [sys.executable, "-P", "-m", _READER, str(path), json.dumps(request)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL)
        assert process.stdout is not None
        try:
            yield from map(json.loads, process.stdout)
            code = process.wait()
        finally:
            process.kill()
            process.stdout.close()
            process.wait()
        errors.seek(0)
        output = errors.read(20_000).decode("utf-8", "replace").strip()
    if code == 0:
        return
    if code == 4:
        raise data_error("xlsx_encrypted", "The workbook is password-protected.")
    if code == 2:
        raise data_error("xlsx_unreadable", f"The workbook cannot be read: {output.splitlines()[-1][:200]}.")
    if code == 3 or "memory allocation" in output or "MemoryError" in output:
        raise data_error("xlsx_too_large", "Reading the workbook needs more memory than the limit allows.")
    if code < 0:
        raise data_error("xlsx_too_large", "Reading the workbook needs more memory or time than the limits allow.")
    raise data_error("xlsx_unreadable", "The workbook is damaged.")
