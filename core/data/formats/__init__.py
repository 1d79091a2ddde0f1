"""Bytes -> rows that know their line. What a file is, its content says; its name only decides where content cannot.

    detection = detect_file(path, filename)      # how it is to be read; shown to the person, who may overrule it
    for item in read(path, detection): ...       # Row | Reject, streamed, in the order of the file

A new format is one file with a class (see base.Format) and a line in the registry; a duplicate id raises.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import SEEK_CUR
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from core import arguments
from core.data.findings import data_error, finding, reject
from core.data.formats.base import HEAD_BYTES, Detection, Format, Head
from core.data.formats.batches import BATCH_ROWS, RowBatch, from_items
from core.data.formats.compression import DAMAGE, check, is_gzip, open_bytes
from core.data.formats.csv import CsvFormat
from core.data.formats.encoding import checked_codec, decode_head, detect_encoding
from core.data.formats.json import JsonFormat
from core.data.formats.jsonl import JsonlFormat
from core.data.formats.nested import checked_way, nested_fields, reshape
from core.data.formats.parquet import ParquetFormat
from core.data.formats.xlsx import XlsxFormat, is_workbook
from core.errors import DataError
from core.messages import Reject, Row

FORMATS: dict[str, Format] = {}


def register(entry: Format) -> None:
    """Add a format; ValueError where its id is taken."""
    if entry.id in FORMATS:
        raise ValueError(f"there are two formats with the id {entry.id!r}")
    FORMATS[entry.id] = entry


for _format in (CsvFormat(), JsonFormat(), JsonlFormat(), ParquetFormat(), XlsxFormat()):
    register(_format)

# Containers by their first bytes, with what to do about each.
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
    (b"\x89PNG\r\n", "a picture", "Choose a CSV, JSON, JSONL or Parquet file."),
    (b"\xff\xd8\xff", "a picture", "Choose a CSV, JSON, JSONL or Parquet file."),
    (b"\x7fELF", "a program", "Choose a CSV, JSON, JSONL or Parquet file."),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or JSON lines."),
    (b"ORC", "an ORC file", "Write it as Parquet."),
)
_SAMPLE_BYTES = 4 << 20  # pieces with bytes above 127 that the encoding is inferred from
_STRETCH, _PIECE = 1 << 20, 1 << 16  # bytes; of each stretch of a file a piece, around its first byte above 127
_HIGH = re.compile(rb"[\x80-\xff]")


def detect_file(path: Path, filename: str = "", overrides: Mapping[str, Any] | None = None) -> Detection:
    """How a file is to be read.

    Args:
        filename: the name the person knows it by; only its suffix counts, and only in doubt.
        overrides: what the person chose: format, encoding, delimiter, quotechar, header, skip_lines, array_path,
            sheet, nested; each is detected where it is missing or None.

    Raises:
        DataError: missing, empty, a container, or nothing that can be read.
    """
    name = filename or path.name
    chosen = arguments.mapping(overrides, "overrides")
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, and gone after the first look
            raise data_error("file_missing", f"{filename or path} is not a file.", "Name a file; write a pipe to one.")
        packed = is_gzip(path)
        size, fault = check(path) if packed else (0, "")
        if fault and size <= len(DAMAGE):
            raise data_error("gzip_damaged", f"The file begins like gzip, and cannot be unpacked: {fault}.")
        with open_bytes(path) as stream:
            head = stream.read(HEAD_BYTES)
            complete = len(head) < HEAD_BYTES or not stream.read(1)
        sample = head if complete else _sample(path, head)
    except OSError as error:
        raise data_error("file_missing", f"{filename or path} cannot be opened: {error.strerror}.") from error
    inner = name[:-3] if packed and name.lower().endswith(".gz") else name
    if packed and fault:
        head, sample = head.removesuffix(DAMAGE), sample.removesuffix(DAMAGE)
    found = detect(head, inner, chosen, complete=complete, sample=sample)
    if packed:
        found = _packed(found, name, fault)
    entry = FORMATS[found.format]
    if isinstance(entry, ParquetFormat):
        found = entry.inspect(path, found).with_notes(findings=found.findings)
    elif isinstance(entry, XlsxFormat):
        found = entry.inspect(path, found, chosen).with_notes(findings=found.findings)
    return _with_nested(path, found, chosen)


def _packed(found: Detection, name: str, fault: str) -> Detection:
    """What a gzip file holds, said to be packed."""
    if found.format in ("parquet", "xlsx"):
        raise data_error(
            "container", f"The file is {FORMATS[found.format].title} packed with gzip.", "Unpack it first."
        )
    found = replace(found, compression="gzip").with_notes("Packed with gzip; it is unpacked while it is read.")
    if fault:
        said = f"The gzip file is damaged: {fault}. Rows may be missing after the last one."
        found = found.with_notes(findings=[finding("gzip_damaged", said, severity="warning")])
    if not name.lower().endswith((".gz", ".gzip")):
        text = "The file is packed with gzip, which its name does not say; it was unpacked."
        found = found.with_notes(text, findings=[finding("suffix_mismatch", text)])
    return found


def _with_nested(path: Path, found: Detection, chosen: Mapping[str, Any]) -> Detection:
    """Say which columns hold objects or lists, and what becomes of them."""
    if found.format in ("csv", "xlsx"):
        return found
    try:
        names = nested_fields(FORMATS[found.format].read(path, found))
    except DataError:
        return found  # it is raised again where the rows are read
    if not names:
        return found
    way = checked_way(chosen.get("nested") or "keep")
    listed = ", ".join(repr(name) for name in names[:8])
    told = {"keep": "kept as they are", "text": "written as JSON text", "flatten": "spread over columns"}[way]
    return replace(found, nested=way).with_notes(f"Objects or lists in {listed}: {told}.")


def detect(
    head: bytes,
    filename: str = "",
    overrides: Mapping[str, Any] | None = None,
    *,
    complete: bool = True,
    sample: bytes | None = None,
) -> Detection:
    """How a file that begins with `head` is to be read.

    Args:
        complete: whether `head` is the whole file.
        sample: what the encoding is inferred from, where that is more than `head`.
    """
    chosen = dict(overrides or {})
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    _refuse_containers(head)
    looked = _head(head, sample or head, suffix, complete, chosen)
    if not looked.text.strip() and not looked.raw.startswith((b"PAR", b"PK")):
        raise data_error("empty_file", f"{filename or 'The file'} is empty.")
    entry = _chosen_format(chosen) or max(FORMATS.values(), key=lambda item: item.sniff(looked))
    found = entry.detect(looked, chosen)
    if found.encoding is not None:
        encoding = _encoding(sample or head, entry.id, chosen)
        found = found.with_notes(*encoding.notes, findings=encoding.findings)
    named = next((item for item in FORMATS.values() if suffix in item.suffixes), None)
    if named is not None and named.id != entry.id and "format" not in chosen:
        text = f"The file is named {suffix}, but its content is {entry.title}; it was read as that."
        found = found.with_notes(text, findings=[finding("suffix_mismatch", text)])
    return found


def read(path: Path, detection: Detection) -> Iterator[Row | Reject]:
    """The rows of a file, streamed; a record that cannot be one is a Reject.

    Raises:
        DataError: while iterating, where the file as a whole cannot be read on.
    """
    entry = FORMATS.get(detection.format)
    if entry is None:
        raise data_error("format_unknown", f"There is no format {detection.format!r}.")
    items = entry.read(path, detection)
    if detection.nested in ("text", "flatten"):
        items = reshape(items, detection.nested)
    return _cut_off(items) if _is_cut(detection) else items


def _is_cut(detection: Detection) -> bool:
    return any(item.code == "gzip_damaged" for item in detection.findings)


def _cut_off(items: Iterable[Row | Reject]) -> Iterator[Row | Reject]:
    """The records of a damaged gzip file: the one that holds the mark of the damage says so."""
    for item in items:
        marked = isinstance(item, Reject) and item.raw.rstrip("\r\n")[-1:] in ("\0", "\udc00")
        if isinstance(item, Reject) and marked and item.findings[0].code in ("nul", "encoding"):
            raw = item.raw.rstrip("\r\n")[:-1]
            said = "The gzip file is damaged here; this row is cut, and those after it are missing."
            yield reject("gzip_damaged", said, line=item.line, raw=raw, at=item.findings[0].line)
        else:
            yield item


def read_batches(path: Path, detection: Detection, size: int = BATCH_ROWS) -> Iterator[RowBatch]:
    """The same rows and rejects as `read`, column by column and some thousands at a time.

    Args:
        size: about how many rows a batch holds; fewer where they are wide or long.

    Raises:
        DataError: while iterating, where the file as a whole cannot be read on.
    """
    entry = FORMATS.get(detection.format)
    if isinstance(entry, CsvFormat) and not _is_cut(detection):
        return entry.read_batches(path, detection, size)
    return from_items(read(path, detection), size)


def _head(raw: bytes, sample: bytes, suffix: str, complete: bool, chosen: Mapping[str, Any]) -> Head:
    if raw.startswith((b"PAR1", b"PARE")) or is_workbook(raw):
        return Head(raw, "", "", suffix, complete)
    start = raw[:4096].lstrip(b" \t\r\n\xef\xbb\xbf")[:1]
    family = "json" if start in (b"{", b"[") or suffix in (".json", ".jsonl", ".ndjson") else "csv"
    codec = _encoding(sample, family, chosen).codec
    return Head(raw, decode_head(raw, codec), codec, suffix, complete)


def _encoding(sample: bytes, family: str, chosen: Mapping[str, Any]) -> Any:
    from core.data.formats.encoding import Encoding

    if chosen.get("encoding"):
        codec = checked_codec(str(chosen["encoding"]), sample)
        return Encoding(codec, (f"Encoding {codec}, as chosen.",))
    return detect_encoding(sample, json_like=family.startswith("json"))


def _chosen_format(chosen: Mapping[str, Any]) -> Format | None:
    wanted = chosen.get("format")
    if not wanted:
        return None
    if wanted not in FORMATS:
        raise data_error("format_unknown", f"There is no format {wanted!r}.", f"Choose one of {', '.join(FORMATS)}.")
    return FORMATS[wanted]


def _refuse_containers(head: bytes) -> None:
    if head.startswith(b"PK") and head[2:4] in (b"\x03\x04", b"\x05\x06") and not is_workbook(head):
        office = b"[Content_Types].xml" in head or b"_rels/" in head
        what = "a document of an office program" if office else "a zip archive"
        remedy = "Save its table as CSV (UTF-8) or as an Excel workbook." if office else "Unpack it first."
        raise data_error("container", f"The file is {what}, whatever its name says.", remedy)
    if head[257:262] == b"ustar":
        raise data_error("container", "The file is a tar archive, whatever its name says.", "Unpack it first (tar x).")
    for magic, what, remedy in _CONTAINERS:
        if head.startswith(magic):
            raise data_error("container", f"The file is {what}, whatever its name says.", remedy)


def _sample(path: Path, head: bytes) -> bytes:
    """The head, and pieces of the rest that hold bytes above 127: the encoding may show itself only there."""
    pieces, size = [head], len(head)
    with open_bytes(path) as stream:
        stream.read(len(head))
        while size < _SAMPLE_BYTES and (chunk := _until_high(stream)):
            first = _HIGH.search(chunk)
            if first is not None:
                start = max(chunk.rfind(b"\n", 0, first.start()) + 1, first.start() - 200)
                end = chunk.rfind(b"\n", start, start + _PIECE)
                piece = chunk[start : end + 1 if end > first.start() else start + 4096]
                pieces.append(b"\n" + piece)
                size += len(piece)
            rest = _STRETCH - len(chunk)
            if stream.seekable():
                stream.seek(rest, SEEK_CUR)
            else:  # what is unpacked can only be read
                stream.read(rest)
    return b"".join(pieces)


def _until_high(stream: BinaryIO) -> bytes:
    """The next stretch of a file, or no more of it than a piece around its first byte above 127."""
    read = b""
    while len(read) < _STRETCH and (more := stream.read(_PIECE)):
        read += more
        if not more.isascii():
            return read + stream.read(min(2 * _PIECE, _STRETCH - len(read)))
    return read


__all__ = [
    "FORMATS",
    "DataError",
    "Detection",
    "Format",
    "RowBatch",
    "detect",
    "detect_file",
    "read",
    "read_batches",
    "register",
]
