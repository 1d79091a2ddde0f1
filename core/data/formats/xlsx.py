"""Excel workbooks (.xlsx): cells become text as Excel shows them, dates in ISO 8601; a row's line is its row number.

A workbook of 10 kB can expand to gigabytes. So its declared sizes and its cells are counted first, and then a separate
process with a memory limit reads it (xlsx_rows.py) and sends the rows one by one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from core.data.formats.base import Detection, Format, Head, ReadingChoice, SheetFound
from core.data.formats.csv import (
    column_names,
    find_preamble,
    has_header,
    layout_choices,
    layout_facts,
    numbered,
    skipped,
)
from core.data.formats.workbook.sheet_scan import SheetScan, column_number
from core.data.issues import data_error, finding
from core.data.reading_options import Reading, ReadingOption
from core.errors import DataError
from core.messages import Reject, Row
from core.text import plural, size as size_text

MAX_UNPACKED_BYTES = 1 << 30
MAX_OTHER_BYTES = 64 << 20  # of a part without cells: styles, relations, names
MAX_CELLS = 10_000_000  # with their shared texts
MAX_ROWS = 1 << 20  # Source: Excel's own limit
MAX_AREA = 50_000_000  # rows times columns of one sheet: the reader has a place for each
_ALL = 1 << 60
_SAMPLE_ROWS = 200
_READ_AS_EMPTY = {
    "xlsx_error_cells": "an Excel error such as #N/A",
    "xlsx_formula_cells": "a formula that was never computed",
}
# A cell with a formula and no value; a cell of type `str` has an empty text.
_NOT_COMPUTED = re.compile(
    rb'<c\b(?![^<>]*t="str")[^<>]*+><f\b[^<>]*+(?:(?<=/)>|>[^<]*+</f>)(?:<v\s*/>|<v></v>)?</c>'
)  # fmt: skip
_ROW = re.compile(rb'row [^<>]{0,200}?\br="([0-9]{1,12})"')
_READER = Path(__file__).parent / "workbook" / "xlsx_rows.py"


class XlsxFormat(Format):
    """Sheets of a workbook."""

    id = "xlsx"
    label = "Excel"
    suffixes = (".xlsx", ".xlsm")
    magic = (b"PK\x03\x04",)
    can_nest = False
    can_fork = False  # a separate process reads it

    def has_magic(self, raw: bytes) -> bool:
        inside = b"xl/" in raw or b"[Content_Types].xml" in raw
        return raw.startswith(self.magic) and inside and b"word/" not in raw

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
        empty_cells = _check_archive(path)
        with closing(_lines(path, chosen.sheet or "", _SAMPLE_ROWS)) as lines:
            about = next(lines)
            table = [(int(number), list(cells)) for number, cells in lines]
        sheets = tuple(SheetFound(**entry) for entry in about["sheets"])
        requested, sheet = chosen.sheet, str(about["sheet"])
        if requested and requested != sheet:
            names = ", ".join(repr(sheet.name) for sheet in sheets[:20])
            raise data_error("xlsx_unreadable", f"There is no sheet {requested!r}.", f"Choose one of {names}.")
        if not table:
            raise data_error("no_rows", f"Sheet {requested!r} is empty." if requested else "The workbook is empty.")
        return _with_columns(replace(detection, sheet=sheet, sheets=sheets), table, chosen, empty_cells)

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        options = [
            ReadingOption(name, name, f"{rows:,} rows, {columns:,} columns" + ("" if visible else ", hidden"))
            for name, rows, columns, visible in map(astuple, current.sheets)
        ]
        sheets = (ReadingChoice.of("sheet", detected, current, options),) if len(options) > 1 else ()
        return (*sheets, *layout_choices(detected, current))

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        return (("Sheet", detection.sheet), *layout_facts(detection))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        header = bool(detection.header)
        with closing(_lines(path, detection.sheet, _ALL)) as lines:
            next(lines)
            for number, cells in lines:
                if number <= detection.skip_lines:
                    continue
                if header:
                    header = False
                    continue
                yield Row(number, dict(zip(detection.columns, cells, strict=True)))


def _with_columns(
    found: Detection, table: list[tuple[int, list[str]]], chosen: Reading, empty_cells: Counter[str]
) -> Detection:
    """Header, preamble and names, as for a CSV."""
    skip = find_preamble(table) if chosen.skip_lines is None else chosen.skip_lines
    rows = [cells for number, cells in table if number > skip]
    if not rows:
        raise data_error("no_rows", "There are no rows after the skipped lines.")
    header = bool(chosen.header) if chosen.header is not None else has_header(rows)
    first = next(number for number, _ in table if number > skip)
    columns, findings = column_names(rows[0], first) if header else (numbered(rows[0]), ())
    if header and len(rows) == 1 and len(table) < _SAMPLE_ROWS:
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
        found, header=header, skip_lines=skip, columns=columns, preamble=preamble,
        findings=(*findings, *found.findings),
        notes=(note, named, "Numbers are text as Excel shows them; dates are in ISO 8601."),
    )  # fmt: skip


def _check_archive(path: Path) -> Counter[str]:
    """Refuse an archive whose declared sizes are too large; returns how many cells will be empty, and why."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if size > MAX_UNPACKED_BYTES or len(members) > 10_000:
                raise data_error(
                    "xlsx_too_large",
                    f"Unpacked, the workbook is {size_text(size)} in {len(members):,} parts; "
                    f"the limit is {size_text(MAX_UNPACKED_BYTES)}.",
                )
            if not any(member.filename == "xl/workbook.xml" for member in members):
                raise data_error("container", "The file is a zip archive, not an Excel workbook.", "Unpack it first.")
            return _counted(archive, members)
    except DataError:
        raise
    except Exception as error:  # what zipfile and zlib raise has no common base class
        raise data_error("xlsx_unreadable", f"The workbook cannot be read: {str(error)[:200]}.") from error


def _counted(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> Counter[str]:
    """How many cells will be empty, by reason; reading stops at the first limit, long before a reader would."""
    count: Counter[str] = Counter()
    for member in members:
        name = member.filename
        is_sheet = name.startswith("xl/worksheets/") and name.endswith(".xml")
        if is_sheet or name == "xl/sharedStrings.xml":
            _count_member(archive, member, count, is_sheet)
        elif name.endswith((".xml", ".rels")) and member.file_size > MAX_OTHER_BYTES:
            raise data_error(
                "xlsx_too_large",
                f"{name} in the workbook has {size_text(member.file_size)}; the limit is {size_text(MAX_OTHER_BYTES)}.",
            )
    return count


def _count_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, count: Counter[str], is_sheet: bool) -> None:
    tail, lowest, columns = b"", 0, {b"Z"}
    rows = 0
    with archive.open(member) as stream:
        while chunk := stream.read(1 << 20):
            text = tail + chunk
            end = text.rfind(b">") + 1
            complete, tail = text[:end], text[end:][-(1 << 16) :]
            found = SheetScan(complete)
            count["cells"] += found.elements(b"c") + found.elements(b"si")
            if count["cells"] > MAX_CELLS:
                raise data_error("xlsx_too_large", f"The workbook has more than {MAX_CELLS:,} cells.")
            if not is_sheet:
                continue
            rows += found.elements(b"row")
            lowest = max(lowest, rows, *map(int, _ROW.findall(complete)))
            columns |= found.columns()
            if lowest > MAX_ROWS:
                raise data_error("xlsx_too_large", f"A sheet of the workbook has more than {MAX_ROWS:,} rows.")
            if lowest * max(map(column_number, columns)) > MAX_AREA:
                sentence = f"A sheet of the workbook spans more than {MAX_AREA:,} cells, empty ones included."
                raise data_error("xlsx_too_large", sentence)
            count["xlsx_error_cells"] += complete.count(b't="e"')
            if b"<f" in complete:
                count["xlsx_formula_cells"] += sum(1 for _ in _NOT_COMPUTED.finditer(complete))


def _lines(path: Path, sheet: str, limit: int) -> Generator[Any, None, None]:
    """The output of the reading process, one value per line; closing the generator ends the process."""
    command = [sys.executable, "-P", str(_READER), str(path), sheet, str(limit)]
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
