"""The manifest of a dataset version: its content and its source. It is written last: its presence means complete.

The same record is stored in `manifest.json` beside the files and in the version's database row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from core.errors import StorageError

FILE: Final = "manifest.json"
SCHEMA_VERSION: Final = 1  # of this record; a file without one was written before there was a schema


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of a source file: `read` = `accepted` + `rejected`."""

    read: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a version holds, and how many rows of its source were read.

    Attributes:
        examples: `train` + `validation` + `test`.
        rejects: rows in `rejects.jsonl`.
        read, accepted, rejected: rows of the source (messages of a chat log); None where there was no source.
        conversations, redacted, edited: of an import of conversations.
    """

    examples: int
    train: int
    validation: int
    rejects: int
    read: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    conversations: int | None = None
    redacted: int | None = None
    edited: int | None = None
    test: int = 0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that a version was made from. `detection` is how it was read; `counts` only for a validation file."""

    id: str
    filename: str
    sha256: str
    size_bytes: int
    format: str = ""
    encoding: str | None = None
    detection: dict[str, Any] | None = None
    counts: RowCounts | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to make a version, and why. `what` is a plain sentence; the counts are in examples."""

    operation: str
    what: str
    why: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    added: int = 0
    removed: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class HoldOut:
    """How examples were held out for validation: `held_out` by the seed, beside `own_validation` from its own file."""

    seed: int
    held_out: int
    own_validation: int = 0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file beside the manifest."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a version says about itself.

    Attributes:
        created_at: Unix seconds.
        origin: upload, convert, smart, chat_import, mix, sample, manual, feedback or cli.
        parents: ids of the versions that it was made from.
        recipe: the settings of the conversion, the smart run or the import, as each of them stores its own.
        findings: number of findings by severity.
        rules: version of the rules that the examples were checked by.
        files: the other files of the version by name.
    """

    dataset_id: str
    version_id: str
    number: int
    created_at: float
    origin: str
    counts: Counts
    examples_sha256: str
    split: HoldOut
    findings: Mapping[str, int]
    rules: int
    parents: tuple[str, ...] = ()
    change: Change | None = None
    source: SourceFile | None = None
    validation_source: SourceFile | None = None
    recipe: Mapping[str, Any] | None = None
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        values = asdict(self)
        values["parents"] = list(self.parents)
        return values

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Manifest:
        """The inverse of `to_dict`; fields of a newer release are ignored.

        Raises:
            StorageError: a field is missing or has the wrong type; names it.
        """
        try:
            return _adapter().validate_python({**raw, "origin": raw.get("origin") or ""})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "manifest"
            raise StorageError(
                f"The manifest of a dataset version is damaged: `{place}`: {first['msg'].lower()}.",
                "Restore the data directory from a backup, or create the dataset again.",
            ) from error

    def write(self, directory: Path) -> None:
        """Write `manifest.json` into the version's directory."""
        path = directory / FILE
        path.unlink(missing_ok=True)  # never written in place: a store may have linked another attempt's
        path.write_text(json.dumps(self.to_dict(), indent=1), encoding="utf-8")


@cache
def _adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)
