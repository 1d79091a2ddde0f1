"""Files that contain other files, or no data at all: refused with a remedy."""

from __future__ import annotations

from core.data.formats.base import FORMATS, labels
from core.data.issues import data_error

# By their first bytes, with the remedy; "" means another file is needed.
_CONTAINERS = (
    (b"\x1f\x8b", "a gzip archive inside another", "Unpack it first (gunzip)."),
    (b"BZh", "a bzip2 archive", "Unpack it first (bunzip2)."),
    (b"\xfd7zXZ\0", "an xz archive", "Unpack it first (unxz)."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first (unzstd)."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it first."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word document", "Save the sheet as CSV (UTF-8)."),
    (b"%PDF-", "a PDF document", "Export the data as CSV or JSON."),
    (b"SQLite format 3\0", "an SQLite database", "Export the table as CSV."),
    (b"\x89PNG\r\n", "a picture", ""),
    (b"\xff\xd8\xff", "a picture", ""),
    (b"\x7fELF", "a program", ""),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or JSONL."),
    (b"ORC", "an ORC file", "Write it as Parquet."),
)


def refuse_containers(head: bytes) -> None:
    """Refuse a file that begins like an archive, a document, a database or a picture.

    Raises:
        DataError: container; says what the file is and what to do with it.
    """
    if any(entry.has_magic(head) for entry in FORMATS):
        return
    what, remedy = _container(head)
    if what:
        text = f"The file is {what}, although its name says something else."
        raise data_error("container", text, remedy or f"Choose a {labels()} file.")


def _container(head: bytes) -> tuple[str, str]:
    """What a file is that begins like this, and the remedy; "" if it is not a container."""
    if head.startswith(b"PK") and head[2:4] in (b"\x03\x04", b"\x05\x06"):
        if b"[Content_Types].xml" in head or b"_rels/" in head:
            return "an office document", "Save its table as CSV (UTF-8) or as an Excel workbook."
        return "a zip archive", "Unpack it first."
    if head[257:262] == b"ustar":
        return "a tar archive", "Unpack it first (tar x)."
    return next(((what, remedy) for magic, what, remedy in _CONTAINERS if head.startswith(magic)), ("", ""))
