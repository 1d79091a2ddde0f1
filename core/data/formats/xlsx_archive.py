"""What is checked in a workbook before it is unpacked: 10 kB can expand to gigabytes."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.data.formats.parsing.containers import office_document
from core.data.issues import data_error
from core.data.workbook.sheet_scan import SheetScan, column_number
from core.errors import DataError
from core.text import size as size_text

MAX_UNPACKED_BYTES = 1 << 30
MAX_OTHER_BYTES = 64 << 20  # of a part without cells: styles, relations, names
MAX_CELLS = 10_000_000  # with their shared texts
MAX_ROWS = 1 << 20  # Source: Excel's own limit
MAX_AREA = 50_000_000  # rows times columns of one sheet: the reader has a place for each
# A cell with a formula and no value; a cell of type `str` has an empty text.
_NOT_COMPUTED = re.compile(
    rb'<c\b(?![^<>]*t="str")[^<>]*+><f\b[^<>]*+(?:(?<=/)>|>[^<]*+</f>)(?:<v\s*/>|<v></v>)?</c>'
)  # fmt: skip
_ROW = re.compile(rb'row [^<>]{0,200}?\br="([0-9]{1,12})"')


def check_archive(path: Path) -> Counter[str]:
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
                what, remedy = office_document(" ".join(member.filename for member in members).encode())
                what, remedy = what or "a zip archive", remedy or "Unpack it first."
                raise data_error("container", f"This is {what}, not an Excel workbook (.xlsx).", remedy)
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
