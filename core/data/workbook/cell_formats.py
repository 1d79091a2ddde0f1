"""The cells of a sheet whose number format changes what Excel shows, row by row, beside the reader of the values.

The reader of the values (calamine) does not say a cell's format. Only sheets in whose workbook such formats exist are
read a second time here, by a parser that holds one row at a time.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from core.data.workbook.number_format import BUILT_IN, NumberFormat, compiled

_CHUNK = 1 << 16
# The built-in dates of East Asian regions. Source: ECMA-376 part 1, 18.8.30.
_ASIAN_DATES = frozenset({*range(27, 37), *range(50, 59)})
_ASIAN = NumberFormat(problem="it is a date of another region")


@dataclass(slots=True)
class ShownCell:
    """A cell with a format: its column from 0, its format, its type in the file, and its value as written there."""

    column: int
    format: NumberFormat
    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class BookFormats:
    """The formats of a workbook by the number of their style; those that show a cell as it is are left out."""

    by_style: dict[int, NumberFormat] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    from_1904: bool = False


def formats_of(archive: zipfile.ZipFile) -> BookFormats:
    """The number formats of a workbook."""
    own: dict[int, str] = {}
    styles: list[int] = []
    for path, attributes in _elements(archive, "xl/styles.xml"):
        number = attributes.get("numFmtId", "0")
        if path[-1] == "numFmt" and number.isdigit():
            own[int(number)] = attributes.get("formatCode", "")
        elif path[-2:] == ("cellXfs", "xf"):
            styles.append(int(number) if number.isdigit() else 0)
    by_style, codes = {}, {}
    for style, format_id in enumerate(styles):
        code = own.get(format_id) or BUILT_IN.get(format_id, "General")
        shown = _ASIAN if format_id not in own and format_id in _ASIAN_DATES else compiled(code)
        if not shown.is_plain:
            by_style[style], codes[style] = shown, code
    about = [attributes for path, attributes in _elements(archive, "xl/workbook.xml") if path[-1] == "workbookPr"]
    return BookFormats(by_style, codes, bool(about) and about[0].get("date1904", "0") in ("1", "true", "on"))


def part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part with the cells of a sheet; "" where it cannot be found."""
    ids = {}
    for path, attributes in _elements(archive, "xl/workbook.xml"):
        if path[-1] == "sheet":
            ids[attributes.get("name", "")] = attributes.get("id", "")
    for _, attributes in _elements(archive, "xl/_rels/workbook.xml.rels"):
        if attributes.get("Id") == ids.get(sheet):
            target = attributes.get("Target", "")
            name = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
            return name if name in archive.namelist() else ""
    return ""


def _elements(archive: zipfile.ZipFile, name: str) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """The elements of a small part, each with its path and its attributes, by their local names."""
    if name not in archive.namelist():
        return []
    found: list[tuple[tuple[str, ...], dict[str, str]]] = []
    path: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(tag.rpartition(" ")[2])
        found.append((tuple(path[-2:]), {key.rpartition(" ")[2]: value for key, value in attributes.items()}))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: path.pop()
    parser.Parse(archive.read(name), True)
    return found


def shown_cells(archive: zipfile.ZipFile, part: str, formats: BookFormats) -> Iterator[tuple[int, list[ShownCell]]]:
    """(row number, its cells with a format) of each row that has some, in order."""
    reader = _SheetReader(formats.by_style)
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            reader.feed(chunk)
            yield from reader.take()
    reader.feed(b"", last=True)
    yield from reader.take()


class _SheetReader:
    """Collects the cells with a format as the XML goes by."""

    def __init__(self, by_style: dict[int, NumberFormat]) -> None:
        self._by_style = {str(style): shown for style, shown in by_style.items()}
        self._default = self._by_style.get("0")
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.buffer_text = True
        self._done: list[tuple[int, list[ShownCell]]] = []
        self._cells: list[ShownCell] = []
        self._row = self._column = 0
        self._cell: ShownCell | None = None

    def feed(self, chunk: bytes, last: bool = False) -> None:
        self._parser.Parse(chunk, last)

    def take(self) -> list[tuple[int, list[ShownCell]]]:
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.endswith(" c"):
            place = attributes.get("r")
            self._column = _column(place) if place else self._column + 1
            shown = self._by_style.get(attributes["s"]) if "s" in attributes else self._default
            self._cell = None
            if shown is not None:
                self._cell = ShownCell(self._column, shown, attributes.get("t", "n"))
        elif name.endswith(" v"):
            if self._cell is not None:
                self._parser.CharacterDataHandler = self._text
        elif name.endswith(" row"):
            number = attributes.get("r", "")
            self._row = int(number) if number.isdigit() else self._row + 1
            self._column = -1
            self._cells = []

    def _text(self, text: str) -> None:
        if self._cell is not None:
            self._cell.value += text

    def _end(self, name: str) -> None:
        if name.endswith(" v"):
            self._parser.CharacterDataHandler = None
        elif name.endswith(" c"):
            if self._cell is not None:
                self._cells.append(self._cell)
                self._cell = None
        elif name.endswith(" row") and self._cells:
            self._done.append((self._row, self._cells))
            self._cells = []


def _column(place: str) -> int:
    number = 0
    for letter in place:
        if not letter.isalpha():
            break
        number = 26 * number + ord(letter.upper()) - 64
    return number - 1
