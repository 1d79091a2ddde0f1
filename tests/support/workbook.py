"""Small Excel workbooks for tests: cells are texts, numbers, or values with a number format; cells can be merged."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@dataclass(frozen=True)
class Shown:
    """A value with its number format: a code, or the number of a built-in one."""

    value: float | str
    format: str | int


Cell = str | float | Shown | None  # None: an empty cell


def write_sheets(
    path: Path,
    sheets: Mapping[str, Iterable[Iterable[Cell]]],
    merged: Mapping[str, Iterable[str]] | None = None,
    *,
    from_1904: bool = False,
    hidden: Iterable[str] = (),
) -> None:
    """Write a workbook with these sheets, each a list of rows.

    Args:
        merged: the merged ranges of a sheet, such as "A2:A5".
        from_1904: days are counted from 1904.
        hidden: the sheets that Excel does not show.
    """
    styles: dict[str | int, int] = {}
    numbered = list(enumerate(sheets, start=1))
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>' for n, _ in numbered
    )
    states = dict.fromkeys(hidden, ' state="hidden"')
    named = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}"{states.get(name, "")} r:id="rId{n}"/>' for n, name in numbered
    )
    about = '<workbookPr date1904="1"/>' if from_1904 else ""
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">{about}<sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="rIdS" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, _XML + content)
        for number, rows in zip(range(1, len(sheets) + 1), sheets.values(), strict=True):
            sheet = _sheet(rows, styles, (merged or {}).get(list(sheets)[number - 1], ()))
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _XML + sheet)
        archive.writestr("xl/styles.xml", _XML + _styles(styles))


def _sheet(rows: Iterable[Iterable[Cell]], styles: dict[str | int, int], merged: Iterable[str]) -> str:
    lines = "".join(f"<row>{''.join(_cell(cell, styles) for cell in row)}</row>" for row in rows)
    ranges = "".join(f'<mergeCell ref="{place}"/>' for place in merged)
    merges = f"<mergeCells>{ranges}</mergeCells>" if ranges else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData>{merges}</worksheet>'


def _cell(cell: Cell, styles: dict[str | int, int]) -> str:
    value, style = cell, ""
    if isinstance(cell, Shown):
        value = cell.value
        style = f' s="{styles.setdefault(cell.format, len(styles) + 1)}"'
    if value is None:
        return f"<c{style}/>"
    if isinstance(value, str):
        return f'<c{style} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c{style}><v>{value!r}</v></c>"


def _styles(styles: Mapping[str | int, int]) -> str:
    own = {code: 164 + number for number, code in enumerate(code for code in styles if isinstance(code, str))}
    formats = "".join(f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>' for code, number in own.items())
    cells = "".join(f'<xf numFmtId="{own.get(str(code), code)}"/>' for code in styles)
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(own)}">{formats}</numFmts>'
        f'<cellXfs count="{len(styles) + 1}"><xf numFmtId="0"/>{cells}</cellXfs></styleSheet>'
    )
