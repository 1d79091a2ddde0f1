"""`python -P xlsx_rows.py FILE SHEET LIMIT`: the rows of a sheet as JSONL, under a memory limit.

A separate process, because a workbook is unpacked completely: one that needs too much memory or crashes the reader ends
only this process. First line: the sheets. Then, for each row that is not empty, [row number, cells].
Exit code 0: done. 2: damaged (the reason is the last line of stderr). 3: too large. 4: encrypted.
"""

from __future__ import annotations

import datetime
import json
import os
import resource
import sys
from typing import Any

MEMORY_BYTES = 3 << 30
CPU_S = 300


def main(path: str, requested: str, limit: int) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine

    try:
        with open(path, "rb") as stream:
            book = python_calamine.CalamineWorkbook.from_object(stream)
            _write(book, requested, limit)
    except python_calamine.PasswordError:
        return 4
    except MemoryError:
        return 3
    except (python_calamine.CalamineError, python_calamine.ZipError, python_calamine.XmlError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.flush()
    return 0


def _write(book: Any, requested: str, limit: int) -> None:
    """The sheets, and the rows of the requested one, or of the first visible one that is not empty."""
    known = []
    for index, meta in enumerate(book.sheets_metadata):
        if str(meta.typ).rpartition(".")[2] != "WorkSheet":
            continue
        sheet = book.get_sheet_by_index(index)
        visible = str(meta.visible).rpartition(".")[2] == "Visible"
        known.append({"name": sheet.name, "rows": sheet.height, "columns": sheet.width, "visible": visible})
    names = [entry["name"] for entry in known]
    filled = [entry["name"] for entry in known if entry["rows"] and entry["visible"]]
    filled += [entry["name"] for entry in known if entry["rows"] and not entry["visible"]]
    chosen = requested if requested in names else next(iter(filled), "")
    _say({"sheets": known, "sheet": chosen})
    if not chosen:
        return
    sheet = book.get_sheet_by_name(chosen)
    left = sheet.start[1] if sheet.start else 0  # empty columns on the left are not part of the table
    sent = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [text(value) for value in row]
        if any(cells):
            _say([number, cells[left:] if len(cells) > sheet.width else cells])
            sent += 1
            if sent >= limit:
                return


def text(value: Any) -> str:
    """A cell as Excel's formula bar shows it; dates in ISO 8601."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    try:
        code = main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except BrokenPipeError:  # the reader has enough rows
        code = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
