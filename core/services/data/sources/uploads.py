"""Stored uploads: the file unchanged, and how it is read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core import arguments
from core.data import formats
from core.data.conversion import analysis
from core.data.conversion.analysis import Analysis
from core.data.formats import Detection, Reading, ReadingChoice
from core.data.issues import data_error
from core.data.versions.manifest import SourceFile
from core.errors import DataError, NotFound
from core.ids import new_id
from core.messages import Finding, Reject, Row
from core.platform import disk
from core.platform.storage import get_storage
from core.services.data.sources import reading_ahead
from core.settings import MAX_UPLOAD_BYTES
from core.text import too_large

if TYPE_CHECKING:  # the database is imported where it is used: `sft validate` and `sft rows` start without it
    from core.platform.db.tables import Source

_CHUNK = 1 << 20
FEW_BYTES = 2_000_000  # of the rows that a request reads to show them; one row alone may have more


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

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """How the file is read, as (title, value) for the screen; the first one is the format."""
        return formats.facts(self.detection)


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """The first rows and rejects of an upload, read in one way; `choices` is what a user may change about it."""

    detection: Detection
    rows: list[Row]
    rejects: list[Reject]
    choices: tuple[ReadingChoice, ...]


def ingest(
    stream: BinaryIO,
    filename: str,
    size_limit: int = MAX_UPLOAD_BYTES,
    overrides: Reading | Mapping[str, Any] | None = None,
    origin: str = "upload",
) -> SourceRecord:
    """Copy an upload into the store, chunk by chunk, and detect how to read it.

    Args:
        stream: read in chunks, never at once.
        filename: the user's name for it; only its last part is stored.
        size_limit: bytes.
        overrides: see set_detection.
        origin: upload, path, url or sample.

    Raises:
        DataError: too large, empty, or unreadable; then nothing is stored.
    """
    with stored_file(stream, filename, size_limit, origin) as row:
        detection = formats.detect_file(get_storage().local_path(row.path), row.filename, overrides)
    return _save(row, detection)


def get(source_id: str) -> SourceRecord:
    """The upload; NotFound if it does not exist."""
    return record(_row(source_id))


def source_file(source: SourceRecord) -> SourceFile:
    """The upload as the manifest of a dataset version records it."""
    return SourceFile(
        source.id, source.filename, source.sha256, source.size_bytes, source.format, source.encoding,
        source.detection.to_dict(),
    )  # fmt: skip


def newest(origin: str, *, after: str = "", limit: int = 100, oldest_first: bool = False) -> list[SourceRecord]:
    """The uploads of an origin in pages, the newest first.

    Args:
        after: the id of the last upload of the page before.

    Raises:
        DataError: as `cursors.after`.
    """
    from sqlmodel import col, select

    from core.platform.db import cursors
    from core.platform.db.tables import SOURCES, Source
    from core.platform.db.uow import UnitOfWork

    order = (col(Source.created_at), col(Source.id))
    query = select(Source).where(Source.origin == origin, cursors.after(SOURCES, after, oldest_first=oldest_first))
    query = query.order_by(*(order if oldest_first else (column.desc() for column in order)))
    with UnitOfWork(write=False) as uow:
        return [record(row) for row in uow.session.exec(query.limit(arguments.count(limit)))]


def delete(source_id: str) -> None:
    """Delete an upload and its bytes; datasets that were made of it remain. Raises NotFound."""
    from core.platform.db.uow import UnitOfWork

    row = _row(source_id)
    with UnitOfWork() as uow:
        uow.session.delete(uow.session.merge(row))
        uow.commit()
    get_storage().delete(f"sources/{source_id}")


def blocks(source_id: str) -> Iterator[bytes]:
    """The bytes of an upload as they arrived, block by block."""
    return get_storage().blocks(_row(source_id).path)


def detection(source_id: str) -> Detection:
    """How the upload is read now."""
    return get(source_id).detection


def set_detection(source_id: str, overrides: Reading | Mapping[str, Any]) -> SourceRecord:
    """Change how the upload is read.

    Args:
        overrides: by the names of `Reading`; the rest is detected again.

    Raises:
        DataError: the file cannot be read that way; nothing changes.
    """
    row = _row(source_id)
    return _save(row, formats.detect_file(get_storage().local_path(row.path), row.filename, overrides))


def preview_rows(source_id: str, overrides: Reading | Mapping[str, Any], limit: int = 20) -> SourcePreview:
    """How the upload would be read, without storing the choice.

    Args:
        overrides: as set_detection takes them.
        limit: the most rows and the most rejects; the file is read only that far.

    Raises:
        DataError: the file cannot be read that way.
    """
    row = _row(source_id)
    path = get_storage().local_path(row.path)
    found = formats.detect_file(path, row.filename, overrides)
    good: list[Row] = []
    bad: list[Reject] = []
    limit = arguments.count(limit)
    for item in few(formats.read(path, found), 50 * limit):
        if isinstance(item, Reject):
            if len(bad) < limit:
                bad.append(item)
        elif len(good) < limit:
            good.append(item)
        if len(good) >= limit:
            break
    detected = formats.detect_file(path, row.filename) if overrides else found
    return SourcePreview(found, good, bad, formats.choices(detected, found))


def choices(source_id: str) -> tuple[ReadingChoice, ...]:
    """What a user may choose about how the upload is read, each with the detected and the current value."""
    row = _row(source_id)
    detected = formats.detect_file(get_storage().local_path(row.path), row.filename)
    return formats.choices(detected, Detection.from_dict(row.detection))


def local_path(source_id: str) -> Path:
    """The bytes as a file on this machine."""
    return get_storage().local_path(_row(source_id).path)


def read(source_id: str) -> Iterator[Row | Reject]:
    """Every row of the upload, in order, streamed."""
    row = _row(source_id)
    return formats.read(get_storage().local_path(row.path), Detection.from_dict(row.detection))


def rows(source_id: str, offset: int = 0, limit: int = 20) -> list[Row | Reject]:
    """Some rows, for display."""
    start = arguments.count(offset)
    return list(few(islice(read(source_id), start, None), arguments.count(limit)))


def few(items: Iterable[Row | Reject], most: int, most_bytes: int = FEW_BYTES) -> Iterator[Row | Reject]:
    """The first rows, for a screen: at most so many, and at least one, but none beyond so many characters of text."""
    left = most_bytes
    for item in islice(items, most):
        yield item
        left -= len(item.raw or "") if isinstance(item, Reject) else sum(map(_length, item.fields.values()))
        if left < 0:
            return


def _length(value: object) -> int:
    return len(value if isinstance(value, str) else str(value))


def why_unusable(source_id: str, limit: int = 5) -> list[Finding]:
    """Why an upload without a usable row has none: the findings of its first rejected rows."""
    rejected = [row for row in rows(source_id, limit=limit) if isinstance(row, Reject)]
    return [found for row in rejected for found in row.findings]


def analyze(source_id: str) -> Analysis:
    """Columns, total rows and suggestions; computed once per way of reading and stored with the upload."""
    row = _row(source_id)
    key, storage = _analysis_key(row), get_storage()
    if storage.exists(key):
        return Analysis.from_dict(json.loads(storage.read_bytes(key)))
    found, path = Detection.from_dict(row.detection), storage.local_path(row.path)
    tallies = reading_ahead.tallies(path, found)
    return keep_analysis(source_id, analysis.analyze_batches(formats.read_batches(path, found), tallies=tallies))


def keep_analysis(source_id: str, result: Analysis) -> Analysis:
    """Store the analysis of an upload as it is read now; returns it."""
    get_storage().write_bytes(_analysis_key(_row(source_id)), json.dumps(result.to_dict()).encode("utf-8"))
    return result


def _analysis_key(row: Source) -> str:
    way = json.dumps([row.detection, analysis.VERSION], sort_keys=True).encode()
    return f"sources/{row.id}/analysis-{hashlib.sha256(way).hexdigest()[:16]}.json"


def display_name(filename: str) -> str:
    """The last part of a file name without control, direction and separator characters, at most 120 long."""
    last = re.split(r"[\\/]", filename)[-1]
    clean = "".join(character for character in last if character.isprintable()).strip()
    return clean[-120:] or "upload"


def _remaining(stream: BinaryIO) -> int:
    """Bytes from here to the end; 0 where the stream does not say."""
    if not stream.seekable():
        return 0
    here = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(here)
    return end - here


@contextmanager
def stored_file(stream: BinaryIO, filename: str, size_limit: int, origin: str = "upload") -> Iterator[Source]:
    """Copy an upload into the store; gives its row, not saved yet. A DataError inside deletes the file again.

    Raises:
        DataError: too large.
    """
    from core.platform.db.tables import Source

    source_id, name = new_id("src"), display_name(filename)
    key = f"sources/{source_id}/upload"
    digest, size = hashlib.sha256(), 0
    disk.require(min(_remaining(stream), size_limit), "the file")
    with get_storage().open_write(key) as target, ThreadPoolExecutor(1) as beside:  # hashing holds no lock
        hashed: Future[None] | None = None
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > size_limit:
                raise data_error("file_too_large", too_large(name, size_limit))
            if hashed is not None:
                hashed.result()
            hashed = beside.submit(digest.update, chunk)
            target.write(chunk)
    try:
        yield Source(id=source_id, filename=name, sha256=digest.hexdigest(), size_bytes=size, path=key, origin=origin)
    except DataError:
        get_storage().delete(f"sources/{source_id}")
        raise


# ---- rows of the database


def _save(row: Source, detection: Detection) -> SourceRecord:
    row.format = detection.format
    row.encoding = detection.encoding or ""
    return record(saved_row(row, detection))


def saved_row(row: Source, detection: Detection) -> Source:
    """The row as it is stored, with how the upload is read."""
    from core.platform.db.uow import UnitOfWork

    row.detection = detection.to_dict()
    with UnitOfWork() as uow:
        saved: Source = uow.session.merge(row)
        uow.commit()
        uow.session.expunge(saved)
    return saved


def find_row(source_id: str) -> Source | None:
    """The row of an upload, to be read after the transaction ends; None where there is none."""
    from core.platform.db.tables import Source
    from core.platform.db.uow import UnitOfWork

    with UnitOfWork(write=False) as uow:
        row: Source | None = uow.session.get(Source, source_id)
        if row is not None:
            uow.session.expunge(row)
    return row


def _row(source_id: str) -> Source:
    row = find_row(source_id)
    if row is None:
        raise NotFound(f"There is no upload {source_id!r}.", "Upload the file again.")
    return row


def record(row: Source) -> SourceRecord:
    """The record of a row."""
    values = row.model_dump(exclude={"detection", "path", "encoding"})
    return SourceRecord(**values, encoding=row.encoding or None, detection=Detection.from_dict(row.detection))
