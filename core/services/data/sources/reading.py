"""What a person may choose about how a file is read: each choice in words, what was detected, and what holds now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.data import formats
from core.data.formats import Detection

DELIMITERS = {",": "Comma  ,", ";": "Semicolon  ;", "\t": "Tab", "|": "Pipe  |"}
QUOTES = {'"': 'Double quote  "', "'": "Single quote  '"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "cp1252": "Western European (Windows-1252)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "gb18030": "Chinese, simplified (GB 18030)",
    "big5": "Chinese, traditional (Big5)",
    "euc_kr": "Korean (EUC-KR)",
    "mac-roman": "Western European (Mac)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little endian without a mark",
    "utf-16-be": "UTF-16, big endian without a mark",
    "utf-32": "UTF-32",
}
NESTED = {
    "keep": "Keep them as they are",
    "text": "Write them as JSON text",
    "flatten": "One column per inner key",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice, as a person sees it. `text` says more where there is more to say."""

    value: Any
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose.

    Attributes:
        id: the key in `overrides`.
        options: () where any whole number can be given (skip_lines).
        detected: what the studio found by itself. current: what holds now.
    """

    id: str
    title: str
    options: tuple[Option, ...]
    detected: Any
    current: Any

    @property
    def is_changed(self) -> bool:
        return bool(self.detected != self.current)


@dataclass(frozen=True, slots=True)
class ReadingChoices:
    """Every choice; () or None where the format has no such thing.

    Attributes:
        formats, encodings, delimiters, quotechars, headers, skip_lines, sheets, array_paths, nested: see Choice.
    """

    formats: Choice
    encodings: Choice | None
    delimiters: Choice | None
    quotechars: Choice | None
    headers: Choice | None
    skip_lines: Choice | None
    sheets: Choice | None
    array_paths: Choice | None
    nested: Choice | None

    def all(self) -> tuple[Choice, ...]:
        """Those that apply to this file, in the order to be shown."""
        found = (
            self.formats,
            self.encodings,
            self.sheets,
            self.delimiters,
            self.quotechars,
            self.headers,
            self.skip_lines,
            self.array_paths,
            self.nested,
        )
        return tuple(choice for choice in found if choice is not None)


def choices(detected: Detection, current: Detection) -> ReadingChoices:
    """The choices of a file that is read as `current`; `detected` is what the studio would do by itself."""
    table = current.format == "csv"
    titled = table or current.format == "xlsx"
    return ReadingChoices(
        _formats(detected, current),
        _encodings(detected, current) if current.encoding else None,
        _plain("delimiter", "Cells are separated by", DELIMITERS, detected, current) if table else None,
        _plain("quotechar", "Cells are quoted with", QUOTES, detected, current) if table else None,
        _headers(detected, current) if titled else None,
        Choice("skip_lines", "Lines before the header", (), detected.skip_lines, current.skip_lines)
        if titled
        else None,
        _sheets(detected, current) if len(current.sheets) > 1 else None,
        _arrays(detected, current) if current.format == "json" and current.arrays else None,
        _plain("nested", "Objects and lists in cells", NESTED, detected, current) if current.nested else None,
    )


def _formats(detected: Detection, current: Detection) -> Choice:
    binary = {"parquet", "xlsx"}
    if detected.format in binary:  # text it is not
        known = [formats.FORMATS[detected.format]]
    else:
        known = [entry for entry in formats.FORMATS.values() if entry.id not in binary]
    options = tuple(Option(entry.id, entry.title) for entry in known)
    return Choice("format", "Format", options, detected.format, current.format)


def _encodings(detected: Detection, current: Detection) -> Choice:
    known = dict(ENCODINGS)
    for codec in (detected.encoding, current.encoding):
        if codec and codec not in known:
            known[codec] = codec
    options = tuple(Option(codec, title) for codec, title in known.items())
    return Choice("encoding", "Encoding", options, detected.encoding, current.encoding)


def _plain(name: str, title: str, known: dict[str, str], detected: Detection, current: Detection) -> Choice:
    found, now = getattr(detected, name), getattr(current, name)
    options = [Option(value, text) for value, text in known.items()]
    options += [Option(value, repr(value)) for value in dict.fromkeys((found, now)) if value and value not in known]
    return Choice(name, title, tuple(options), found, now)


def _headers(detected: Detection, current: Detection) -> Choice:
    options = (Option(True, "The first row names the columns"), Option(False, "There is no header"))
    return Choice("header", "Header", options, detected.header, current.header)


def _sheets(detected: Detection, current: Detection) -> Choice:
    options = tuple(
        Option(
            sheet.name,
            sheet.name,
            f"{sheet.rows:,} rows, {sheet.columns:,} columns" + ("" if sheet.visible else ", hidden"),
        )
        for sheet in current.sheets
    )
    return Choice("sheet", "Sheet", options, detected.sheet, current.sheet)


def _arrays(detected: Detection, current: Detection) -> Choice:
    options = tuple(
        Option(found.path, " → ".join(found.path) or "The whole document", f"{found.count:,} objects seen")
        for found in current.arrays
    )
    return Choice("array_path", "Rows are taken from", options, detected.array_path, current.array_path)
