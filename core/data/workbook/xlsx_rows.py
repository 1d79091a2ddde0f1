"""`python -P -m core.data.workbook.xlsx_rows FILE REQUEST`: the rows of a sheet as JSONL, under a memory limit.

A separate process, because a workbook is unpacked completely: one that needs too much memory or crashes the reader ends
only this process. REQUEST is JSON: `sheet` ("" for the first one with a table), `limit` of rows, `repeat` (merged cells
down) and `look` (whether the formats of the full sheet are checked). First line: what is known about the workbook.
Then, for each row that is not empty, [row number, cells].
Exit code 0: done. 2: damaged (the reason is the last line of stderr). 3: too large. 4: encrypted.
"""

from __future__ import annotations

import datetime
import json
import os
import resource
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any
from xml.parsers.expat import ExpatError

from core.data.workbook.cell_formats import BookFormats, ShownCell, formats_of, part_of, shown_cells
from core.data.workbook.cover import is_cover
from core.data.workbook.number_format import NumberFormat
from core.data.workbook.tokens import general

MEMORY_BYTES = 3 << 30
CPU_S = 300
_LOOKED_AT = 40  # rows of a sheet, to tell a cover page from a table


def main(path: str, request: dict[str, Any]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine

    try:
        with open(path, "rb") as stream, zipfile.ZipFile(path) as archive:
            book = python_calamine.CalamineWorkbook.from_object(stream)
            _write(book, archive, request)
    except python_calamine.PasswordError:
        return 4
    except MemoryError:
        return 3
    except (
        python_calamine.CalamineError,
        python_calamine.ZipError,
        python_calamine.XmlError,
        OSError,
        ExpatError,
        zipfile.BadZipFile,
        KeyError,
    ) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.flush()
    return 0


def _write(book: Any, archive: zipfile.ZipFile, request: dict[str, Any]) -> None:
    """What is known about the workbook, and the rows of the requested sheet or of the first one with a table."""
    known = []
    for index, meta in enumerate(book.sheets_metadata):
        if str(meta.typ).rpartition(".")[2] != "WorkSheet":
            continue
        sheet = book.get_sheet_by_index(index)
        visible = str(meta.visible).rpartition(".")[2] == "Visible"
        known.append({"name": sheet.name, "rows": sheet.height, "columns": sheet.width, "visible": visible})
    filled = [entry["name"] for entry in known if entry["rows"] and entry["visible"]]
    filled += [entry["name"] for entry in known if entry["rows"] and not entry["visible"]]
    requested = request["sheet"]
    chosen = requested if requested in [entry["name"] for entry in known] else ""
    covers = [] if chosen or requested else _covers(book, filled)
    chosen = chosen or next((name for name in filled if name not in covers), "")
    about: dict[str, Any] = {"sheets": known, "sheet": chosen, "covers": covers}
    if not chosen:
        _say(about)
        return
    sheet, formats = book.get_sheet_by_name(chosen), formats_of(archive)
    part = part_of(archive, chosen) if formats.by_style else ""
    merged = [(first, last) for first, last in sheet.merged_cell_ranges or () if last[0] > first[0]]
    start = sheet.start[1] if sheet.start else 0  # empty columns on the left are not part of the table
    if request["look"]:
        problems = _problems(archive, part, formats) if part else []
        about |= {"left": start, "merged": merged}
        about["problems"] = [(column - start, *problem) for column, *problem in problems]
    _say(about)
    repeated = sorted(merged) if request["repeat"] else []
    shown = shown_cells(archive, part, formats) if part else iter(())
    for row in islice(_rows(sheet, start, shown, formats.from_1904, repeated), request["limit"]):
        _say(row)


def _covers(book: Any, names: list[str]) -> list[str]:
    """The sheets before the first table that are only a title page or a note."""
    found: list[str] = []
    for name in names:
        sheet = book.get_sheet_by_name(name)
        table = [[text(value) for value in row] for row in sheet.to_python(nrows=_LOOKED_AT)]
        if not is_cover(table, sheet.height):
            return found
        found.append(name)
    return []


def _problems(archive: zipfile.ZipFile, part: str, formats: BookFormats) -> list[tuple[int, str, str, int]]:
    """(column from 0, format code, why it cannot be rendered, number of cells) of the sheet."""
    styles = {style: shown for style, shown in formats.by_style.items() if shown.problem}
    if not styles:
        return []
    codes = {id(shown): formats.codes[style] for style, shown in styles.items()}
    reasons = {formats.codes[style]: shown.problem for style, shown in styles.items()}
    count: Counter[tuple[int, str]] = Counter()
    for _, cells in shown_cells(archive, part, BookFormats(styles)):
        count.update((cell.column, codes[id(cell.format)]) for cell in cells if cell.kind == "n" and cell.value)
    return [(column, code, reasons[code], cells) for (column, code), cells in sorted(count.items())]


def _rows(
    sheet: Any,
    start: int,
    formatted: Iterator[tuple[int, list[ShownCell]]],
    from_1904: bool,
    repeated: list[tuple[tuple[int, int], tuple[int, int]]],
) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of each row that is not empty, as Excel shows it."""
    number_shown, shown = next(formatted, (0, []))
    waiting = iter(repeated)
    merge = next(waiting, None)
    open_merges: dict[int, tuple[int, str]] = {}  # column -> the last row that repeats a text, and the text
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [text(value) for value in (row[start:] if len(row) > sheet.width else row)]
        while number_shown and number_shown < number:
            number_shown, shown = next(formatted, (0, []))
        if number_shown == number:
            for cell in shown:
                at = cell.column - start
                if 0 <= at < len(cells):
                    cells[at] = _as_shown(cell, cells[at], from_1904)
        if not any(cells):
            continue
        for column, (last, value) in list(open_merges.items()):
            if number > last + 1:
                del open_merges[column]
            elif not cells[column]:
                cells[column] = value
        while merge is not None and merge[0][0] < number:
            at = merge[0][1] - start
            if merge[0][0] == number - 1 and 0 <= at < len(cells):
                open_merges[at] = (merge[1][0], cells[at])
            merge = next(waiting, None)
        yield number, cells


def _as_shown(cell: ShownCell, plain: str, from_1904: bool) -> str:
    """A cell with a format as Excel shows it; as read without one where that is not known."""
    if cell.kind == "n":
        shown = _number(cell.format, cell.value, from_1904)
        return plain if shown is None else shown
    before, after = cell.format.text
    return f"{before}{plain}{after}" if plain and cell.kind in ("s", "str", "inlineStr") else plain


@lru_cache(100_000)  # a column repeats its dates and prices
def _number(shown_as: NumberFormat, written: str, from_1904: bool) -> str | None:
    try:
        value = float(written)
    except ValueError:
        return None
    shown = shown_as.shown(value, from_1904)
    return None if not shown and value else shown  # a zero may be hidden, nothing else


def text(value: Any) -> str:
    """A cell as Excel's formula bar shows it; dates in ISO 8601."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return general(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    try:
        code = main(sys.argv[1], json.loads(sys.argv[2]))
    except BrokenPipeError:  # the reader has enough rows
        code = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
