"""What every format shares: Detection (how a file is to be read), the Format contract, and the limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from core.messages import Finding, Reject, Row

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
    """How a file is read: what was detected, or what a person chose instead.

    Attributes:
        format: id in FORMATS.
        encoding: Python codec name; None where the format is binary.
        delimiter, quotechar, header, skip_lines, columns: CSV. `columns` are the names used for the fields.
        layout: JSON family: `array`, `object` (rows in an array inside, see `array_path`), `values` (objects one after
            another, over several lines each) or `lines`.
        array_path: keys that lead to the array of rows inside an object.
        arrays: every array of objects seen in the beginning of the document; `array_path` is one of them.
        compression: `gzip`, or "".
        sheet, sheets: workbooks: the sheet that is read, and all there are.
        nested: what becomes of values that are objects or lists: `keep`, `text` (JSON text) or `flatten` (an object's
            keys become columns named `outer.inner`, a list becomes JSON text). "" where nothing is nested.
        preamble: the lines before the header that are left out, as they stand there.
        notes: sentences that tell a person what was detected.
        findings: what is worth knowing about the file as a whole.
    """

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    quotechar: str | None = None
    header: bool | None = None
    skip_lines: int = 0
    columns: tuple[str, ...] = ()
    layout: str = ""
    array_path: tuple[str, ...] = ()
    arrays: tuple[ArrayFound, ...] = ()
    compression: str = ""
    sheet: str = ""
    sheets: tuple[SheetFound, ...] = ()
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
        """The inverse of to_dict, also after a way through JSON."""
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
        values["arrays"] = tuple(ArrayFound(tuple(item["path"]), item["count"]) for item in raw.get("arrays", ()))
        values["sheets"] = tuple(SheetFound(**item) for item in raw.get("sheets", ()))
        values["findings"] = tuple(Finding(**{**item, "rows": tuple(item["rows"])}) for item in raw["findings"])
        known = {name: value for name, value in values.items() if name in cls.__slots__}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, as the formats look at it when they say how sure they are.

    `text` is the decoded beginning ("" for binary content), `complete` whether it is the whole file.
    """

    raw: bytes
    text: str
    encoding: str
    suffix: str
    complete: bool


class Format(Protocol):
    """One way of writing rows into a file."""

    id: str
    title: str
    suffixes: tuple[str, ...]

    def sniff(self, head: Head) -> float:
        """How sure the format is that this is one of its files: 0 (no) to 1."""

    def detect(self, head: Head, overrides: Mapping[str, Any]) -> Detection:
        """How this file is to be read; DataError where it cannot be."""

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        """The rows with their line, and what could not be a row, in the order of the file."""

    def write(self, rows: Iterable[Mapping[str, Any]], path: Path) -> None:
        """Write rows so that `read` gives them back."""
