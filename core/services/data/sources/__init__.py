"""Uploads: stored as they came, with what was detected about them; and the look at any file for the command line."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from core import arguments
from core.data import formats
from core.data.conversion import analysis, shapes
from core.data.conversion.analysis import Analysis
from core.data.conversion.labeling import FindingList, Labeled, Labeler, Recipe
from core.data.findings import CODES, data_error, finding, from_error
from core.data.formats import Detection
from core.data.quality.rules import SetChecker
from core.data.versions.manifest import SourceFile
from core.errors import DataError, NotFound
from core.ids import new_id
from core.messages import Finding, Reject, Row
from core.platform.db.tables import Source
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.services.data.sources import chat_lines, reading
from core.settings import MAX_UPLOAD_BYTES

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A stored upload. `filename` is for showing only; it is never used as a path."""

    id: str
    filename: str
    sha256: str
    size_bytes: int
    format: str
    encoding: str | None
    detection: Detection
    created_at: float
    origin: str = "upload"  # upload | path | url | sample


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """The first rows and rejects of an upload, read in one way."""

    detection: Detection
    rows: list[Row]
    rejects: list[Reject]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What `sft validate` says about one file. `exit_code`: 0 valid, 1 findings that block, 2 unreadable."""

    file: str
    format: str | None
    encoding: str | None
    read: int
    accepted: int
    rejected: int
    findings: tuple[Finding, ...]
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """The public JSON object, one per file."""
        keys = ("line", "field", "code", "severity", "message", "remedy")
        return {
            "file": self.file,
            "format": self.format,
            "encoding": self.encoding,
            "read": self.read,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "findings": [{key: getattr(item, key) for key in keys} for item in self.findings],
        }


# ---- stored uploads


def ingest(
    stream: BinaryIO,
    filename: str,
    size_limit: int = MAX_UPLOAD_BYTES,
    overrides: Mapping[str, Any] | None = None,
    origin: str = "upload",
) -> SourceRecord:
    """Copy an upload into the store, chunk by chunk, and detect how it is to be read.

    Args:
        stream: read in chunks, never as a whole.
        filename: as the person's machine names it; only its last part is kept.
        size_limit: bytes.
        overrides: see set_detection.
        origin: upload, path, url or sample.

    Raises:
        DataError: too large, empty, or nothing the studio can read; nothing is kept then.
    """
    source_id = new_id("src")
    name = display_name(filename)
    key = f"sources/{source_id}/upload"
    storage = get_storage()
    digest, size = hashlib.sha256(), 0
    with storage.open_write(key) as target:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > size_limit:
                raise data_error("file_too_large", f"{name} is larger than {size_limit:,} bytes.")
            digest.update(chunk)
            target.write(chunk)
    try:
        detection = formats.detect_file(storage.local_path(key), name, overrides)
    except DataError:
        storage.delete(f"sources/{source_id}")
        raise
    row = Source(id=source_id, filename=name, sha256=digest.hexdigest(), size_bytes=size, path=key, origin=origin)
    return _save(row, detection)


def get(source_id: str) -> SourceRecord:
    """The upload; NotFound where there is none."""
    return _record(_row(source_id))


def source_file(source: SourceRecord) -> SourceFile:
    """The upload as the manifest of a dataset version records it."""
    return SourceFile(
        source.id,
        source.filename,
        source.sha256,
        source.size_bytes,
        source.format,
        source.encoding,
        source.detection.to_dict(),
    )


def detection(source_id: str) -> Detection:
    """How the upload is read now."""
    return get(source_id).detection


def set_detection(source_id: str, overrides: Mapping[str, Any]) -> SourceRecord:
    """Read the upload another way from now on.

    Args:
        overrides: any of format, encoding, delimiter, quotechar, header, skip_lines, array_path, sheet, nested; the
            rest is detected again.

    Raises:
        DataError: the file cannot be read that way; nothing changes.
    """
    row = _row(source_id)
    return _save(row, formats.detect_file(get_storage().local_path(row.path), row.filename, overrides))


def reinterpret(source_id: str, overrides: Mapping[str, Any]) -> SourceRecord:
    """Keep another way of reading, as `preview_rows` showed it; the same as set_detection."""
    return set_detection(source_id, overrides)


def preview_rows(source_id: str, overrides: Mapping[str, Any], limit: int = 20) -> SourcePreview:
    """How the upload would be read, without keeping it.

    Args:
        overrides: as set_detection takes them.
        limit: rows, and rejects, at most; no more of the file is read than that takes.

    Raises:
        DataError: the file cannot be read that way.
    """
    row = _row(source_id)
    path = get_storage().local_path(row.path)
    found = formats.detect_file(path, row.filename, overrides)
    good: list[Row] = []
    bad: list[Reject] = []
    limit = arguments.count(limit)
    for item in islice(formats.read(path, found), 50 * limit):
        if isinstance(item, Reject):
            if len(bad) < limit:
                bad.append(item)
        elif len(good) < limit:
            good.append(item)
        if len(good) >= limit:
            break
    return SourcePreview(found, good, bad)


def choices(source_id: str) -> reading.ReadingChoices:
    """What a person may choose about how the upload is read, each with what was detected and what holds now."""
    row = _row(source_id)
    detected = formats.detect_file(get_storage().local_path(row.path), row.filename)
    return reading.choices(detected, Detection.from_dict(row.detection))


def local_path(source_id: str) -> Path:
    """The bytes as a file on this machine."""
    return get_storage().local_path(_row(source_id).path)


def read(source_id: str) -> Iterator[Row | Reject]:
    """Every row of the upload, in order, streamed."""
    row = _row(source_id)
    return formats.read(get_storage().local_path(row.path), Detection.from_dict(row.detection))


def rows(source_id: str, offset: int = 0, limit: int = 20) -> list[Row | Reject]:
    """Some rows, for looking at."""
    start = arguments.count(offset)
    return list(islice(read(source_id), start, start + arguments.count(limit)))


def analyze(source_id: str) -> Analysis:
    """Columns, total rows and suggestions; computed once per way of reading and kept beside the upload."""
    row = _row(source_id)
    way = json.dumps([row.detection, analysis.VERSION], sort_keys=True).encode()
    key = f"sources/{source_id}/analysis-{hashlib.sha256(way).hexdigest()[:16]}.json"
    storage = get_storage()
    if storage.exists(key):
        return Analysis.from_dict(json.loads(storage.read_bytes(key)))
    found = Detection.from_dict(row.detection)
    result = analysis.analyze_batches(formats.read_batches(storage.local_path(row.path), found))
    storage.write_bytes(key, json.dumps(result.to_dict()).encode("utf-8"))
    return result


def is_known_shape(source_id: str) -> bool:
    """Whether the upload can become a dataset as it is, without the wizard."""
    return analyze(source_id).shape is not None


# ---- any file, for the command line


def analyze_file(path: Path, overrides: Mapping[str, Any] | None = None) -> Analysis:
    """Analyze a file where it lies, without storing it."""
    return analysis.analyze_batches(formats.read_batches(path, formats.detect_file(path, path.name, overrides)))


def rows_of_file(path: Path, overrides: Mapping[str, Any] | None = None) -> Iterator[Row | Reject]:
    """The rows of a file exactly as read; DataError where it cannot be read at all."""
    return formats.read(path, formats.detect_file(path, path.name, overrides))


def inspect(path: Path, overrides: Mapping[str, Any] | None = None) -> FileReport:
    """Read a file to its end and say everything that is wrong with it, as `sft validate` does; nothing is raised."""
    findings = FindingList()
    found: Detection | None = None
    read_count = rejected = readable = 0
    try:
        found = formats.detect_file(path, path.name, overrides)
        findings.extend(found.findings)
        shape = shapes.detect(_first_rows(path, found))
        bulk = chat_lines.check(path, found, shape, findings)
        if bulk:
            read_count, rejected, readable = bulk.read, bulk.rejected, bulk.readable
        else:
            rows = formats.read(path, found)
            labeler, checker = Labeler(Recipe(shape=shape), str(path)), SetChecker()
            items: Iterator[Row | Reject | Labeled] = labeler.run(rows) if shape else rows
            for item in items:
                read_count += 1
                if isinstance(item, Reject):
                    rejected += 1
                    readable += not _is_unreadable(item)
                    findings.extend(item.findings)
                elif isinstance(item, Labeled):
                    findings.extend(item.findings)
                    checker.feed(item.example)
            if shape:
                findings.extend(checker.finish())
            elif read_count > rejected:
                readable = read_count
                findings.add(_shape_unknown(path, found))
                rejected = read_count
            elif read_count == 0:
                findings.add(finding("no_rows", f"{path.name} holds no rows."))
    except DataError as error:
        findings.add(from_error(error))
    listed = findings.listed()
    blocked = any(item.severity == "error" for item in listed)
    readable += read_count - rejected
    unreadable = readable == 0 and any(CODES[item.code].unreadable for item in listed)
    return FileReport(
        file=str(path),
        format=found.format if found else None,
        encoding=found.encoding if found else None,
        read=read_count,
        accepted=read_count - rejected,
        rejected=rejected,
        findings=listed,
        exit_code=2 if unreadable else int(blocked),
    )


def display_name(filename: str) -> str:
    """The last part of a file name without control, direction and separator characters, at most 120 long."""
    last = re.split(r"[\\/]", filename)[-1]
    clean = "".join(character for character in last if character.isprintable()).strip()
    return clean[-120:] or "upload"


def _is_unreadable(item: Reject) -> bool:
    return all(CODES[found.code].unreadable for found in item.findings)


def _first_rows(path: Path, detection: Detection) -> list[Row]:
    return [row for row in islice(formats.read(path, detection), shapes.SAMPLE) if isinstance(row, Row)]


def _shape_unknown(path: Path, detection: Detection) -> Finding:
    result = analysis.analyze(formats.read(path, detection))
    names = ", ".join(column.name for column in result.columns[:12])
    return finding(
        "shape_unknown",
        f"The columns ({names}) are in no known chat shape, so nobody has said yet which is the input and which the "
        "output.",
        f"Convert it: {convert_command(str(path), result)}",
    )


def convert_command(file: str, result: Analysis) -> str:
    """The command that converts a file as its analysis suggests; COLUMN where a column is still to be chosen."""
    told = result.suggestion
    if told is None or told.template == "custom":
        return f"sft convert {shlex.quote(file)} --template qa --input COLUMN --target COLUMN --name NAME"
    parts = ["sft", "convert", file, "--template", told.template, "--input", told.key or "COLUMN"]
    parts += ["--target", told.target] if told.target else []
    parts += [word for column in told.include for word in ("--include", column)]
    return shlex.join([*parts, "--name", Path(file).stem])


# ---- rows of the database


def _save(row: Source, detection: Detection) -> SourceRecord:
    row.detection = detection.to_dict()
    row.format = detection.format
    row.encoding = detection.encoding or ""
    with UnitOfWork() as uow:
        saved = uow.session.merge(row)
        uow.commit()
        return _record(saved)


def _row(source_id: str) -> Source:
    with UnitOfWork(write=False) as uow:
        row = uow.session.get(Source, source_id)
        if row is not None:
            uow.session.expunge(row)  # it is read after the transaction is over
    if row is None:
        raise NotFound(f"There is no upload {source_id!r}.", "Upload the file again.")
    return row


def _record(row: Source) -> SourceRecord:
    values = row.model_dump(exclude={"detection", "path", "encoding"})
    return SourceRecord(**values, encoding=row.encoding or None, detection=Detection.from_dict(row.detection))
