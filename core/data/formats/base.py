"""What every format shares: Detection (how to read a file), the Format contract, its registry, and the limits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from core.data.formats.parsing.batches import BATCH_ROWS, FilePiece, FilePlace, RowBatch, from_items
from core.data.reading_options import READING, Reading, ReadingOption
from core.messages import Finding, Reject, Row
from core.registry import Registry

MAX_DEPTH = 100  # nested brackets; Python's own parser gives up at about 1,000
MAX_RECORD = 10_000_000  # characters of one line, cell or record
HEAD_BYTES = 1 << 20  # what detection looks at


@dataclass(frozen=True, slots=True)
class ArrayFound:
    """An array of objects inside a JSON document: the keys that lead to it, and how many objects were seen there."""

    path: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class SheetFound:
    """A sheet of a workbook, with the rows and columns of its used range."""

    name: str
    rows: int
    columns: int
    visible: bool = True


@dataclass(frozen=True, slots=True)
class Detection:
    """How a file is read: what was detected, or what a user chose instead.

    One flat record for all formats, because it is stored as JSON with uploads, drafts and dataset versions.

    Attributes:
        format: id in FORMATS.
        encoding: Python codec name; None where the format is binary.
        delimiter, quotechar, escape, header, skip_lines, comment, short_rows, long_rows, columns: CSV, with the values
            of `Reading`. `columns` are the names used for the fields; `header` is how many rows name them.
        names: the columns' names that a user chose; () where they come from the file.
        layout: JSON family: `array`, `object` (rows in an array inside, see `array_path`), `values` (objects one after
            another, over several lines each), `lines`, `columns` (one object of columns) or `members` (of rows).
        array_path: keys that lead to the array of rows inside an object.
        arrays: the arrays of objects near the beginning of the document; `array_path` is one of them.
        compression: `gzip`, or "".
        sheet, sheets: workbooks: the sheet that is read, and all sheets.
        merged: workbooks: whether a cell that is merged over several rows is read in the first of them (`keep`) or in
            each (`repeat`). "" where none is.
        passages: raw text: what a row is, `paragraph`, `section` or `line`.
        nested: how values that are objects or lists are read: `keep`, `text` (JSON text) or `flatten` (an object's
            keys become columns named `outer.inner`, a list becomes JSON text). "" where nothing is nested.
        preamble: the lines before the header that are left out, verbatim.
        notes: sentences for the user about what was detected.
        findings: about the file, not about one of its rows.
    """

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    quotechar: str | None = None
    escape: str = ""
    header: int | None = None
    skip_lines: int = 0
    comment: str = ""
    short_rows: str = "reject"
    long_rows: str = "reject"
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    layout: str = ""
    array_path: tuple[str, ...] = ()
    arrays: tuple[ArrayFound, ...] = ()
    compression: str = ""
    sheet: str = ""
    sheets: tuple[SheetFound, ...] = ()
    merged: str = ""
    passages: str = ""
    nested: str = ""
    preamble: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def with_notes(self, *notes: str, findings: Iterable[Finding] = ()) -> Self:
        return replace(self, notes=(*self.notes, *notes), findings=(*self.findings, *findings))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The inverse of to_dict; its argument may have been stored as JSON."""
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
        values["arrays"] = tuple(ArrayFound(tuple(item["path"]), item["count"]) for item in raw.get("arrays", ()))
        values["sheets"] = tuple(SheetFound(**item) for item in raw.get("sheets", ()))
        values["findings"] = tuple(Finding(**{**item, "rows": tuple(item["rows"])}) for item in raw["findings"])
        known = {name: value for name, value in values.items() if name in cls.__slots__}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class ReadingChoice:
    """One thing that a user may choose about how one file is read.

    Attributes:
        id: the key in READING, where it is defined.
        options: () where any integer is possible (skip_lines).
        detected: what the studio detected.
        current: how the file is read now.
    """

    id: str
    options: tuple[ReadingOption, ...]
    detected: Any
    current: Any

    @property
    def title(self) -> str:
        """Its label in the app."""
        return READING[self.id].title

    @property
    def help(self) -> str:
        """A sentence about it."""
        return READING[self.id].help

    @property
    def is_free(self) -> bool:
        """Whether other values are possible than `options`."""
        return READING[self.id].is_free

    @property
    def is_changed(self) -> bool:
        return bool(self.detected != self.current)

    @classmethod
    def of(
        cls, name: str, detected: Detection, current: Detection, options: Iterable[ReadingOption] | None = None
    ) -> Self:
        """The choice of one field of Detection.

        Args:
            options: by default the usual ones, and the detected and current value if they are not among them.
        """
        values = (getattr(detected, name), getattr(current, name))
        if options is None:
            options = READING[name].options
            known = {option.value for option in options}
            others = [value for value in dict.fromkeys(values) if options and value is not None and value not in known]
            options = [*options, *(ReadingOption(value, READING[name].text_of(value)) for value in others)]
        return cls(name, tuple(options), *values)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, on which the formats base their guess.

    `text` is the decoded beginning ("" for binary content), `complete`: it is the full file.
    """

    raw: bytes
    text: str
    encoding: str
    suffix: str
    complete: bool

    @property
    def is_binary(self) -> bool:
        """Whether the file begins like one of a binary format."""
        return not self.encoding


class Format(ABC):
    """One file format: how its files are recognized, inspected and read.

    Attributes:
        id: as `Detection.format` and the override `format` name it.
        label: as screens, errors and help texts name it.
        suffixes: with their dot, in lower case; the first one is the usual one.
        magic: the first bytes of a binary file; () for text.
        unicode_only: text that is UTF-8, -16 or -32 by its own standard; other encodings are not looked for.
        can_nest: cells may contain objects and lists.
        line_records: each record is on separate physical lines, so that it can be replaced in the file.
        can_fork: it is read without threads, so that a forked process can read ahead.
    """

    id: ClassVar[str]
    label: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    magic: ClassVar[tuple[bytes, ...]] = ()
    unicode_only: ClassVar[bool] = False
    can_nest: ClassVar[bool] = True
    line_records: ClassVar[bool] = False
    can_fork: ClassVar[bool] = True

    @property
    def is_binary(self) -> bool:
        """Whether its bytes are not text."""
        return bool(self.magic)

    def has_magic(self, raw: bytes) -> bool:
        """Whether a file that begins with these bytes is binary and of this format."""
        return raw.startswith(self.magic)

    @abstractmethod
    def sniff(self, head: Head) -> float:
        """How likely it is that this is one of its files: 0 (no) to 1."""

    @abstractmethod
    def detect(self, head: Head, chosen: Reading) -> Detection:
        """How to read a file, judged by its beginning.

        Args:
            chosen: what the user chose; what is None is detected.

        Raises:
            DataError: the file cannot be read this way.
        """

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """How to read the file, after a look at all of it; by default what its beginning says.

        Raises:
            DataError: the file is damaged, encrypted, too large or has no rows.
        """
        return detection

    def seams(self, path: Path, detection: Detection) -> tuple[Finding, ...]:
        """What shows that files were joined; a search through all of it."""
        return ()

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        """What a user may change about how a file is read, besides its format, encoding and nested values.

        Args:
            detected: what detection says without any override.
            current: how the file is read now.
        """
        return ()

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        """How the file is read, as (title, value) for the screen: ("Separated by", "comma")."""
        return ()

    @abstractmethod
    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        """The rows with their line, and a Reject for each record that is not a row, in the order of the file."""

    def read_batches(
        self, path: Path, detection: Detection, size: int = BATCH_ROWS, place: FilePlace | None = None
    ) -> Iterator[RowBatch]:
        """The same rows and rejects as `read`, column by column, about `size` rows at a time.

        Args:
            place: where to begin: at the start or the end of one of the file's pieces; by default at the first row.
        """
        return from_items(self.read(path, detection), size)

    def pieces(self, path: Path, detection: Detection) -> Iterator[FilePiece]:
        """The file from its first row on in pieces that can be read apart, as far as it can be cut into such.

        What follows the last one, or begins with one that is not sound, is for `read_batches`.
        """
        return iter(())


FORMATS: Final = Registry[Format]("file format")


def label_of(format_id: str) -> str:
    """The label of a format; the id itself for one that this release no longer has."""
    return FORMATS.get(format_id).label if format_id in FORMATS else format_id


def labels() -> str:
    """All formats by their labels, for help texts: "CSV, Excel, JSON, JSONL or Parquet"."""
    *first, last = sorted((entry.label for entry in FORMATS), key=str.lower)
    return f"{', '.join(first)} or {last}" if first else last
