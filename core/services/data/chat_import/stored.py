"""Stored chat logs: the uploads unchanged, and the export format that each is read by."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from typing import BinaryIO

from core.data import chat_logs
from core.data.chat_logs import Bundle, Hints, LogFormat
from core.data.formats import Detection
from core.data.issues import data_error
from core.errors import NotFound, StudioError
from core.platform.db.tables import Source
from core.platform.storage import get_storage
from core.services.data.sources import uploads
from core.services.data.sources.uploads import SourceRecord, display_name, find_row, record, saved_row, stored_file
from core.settings import MAX_UPLOAD_BYTES
from core.text import too_large

_CHUNK = 1 << 20


def ingest(stream: BinaryIO, filename: str, size_limit: int = MAX_UPLOAD_BYTES) -> SourceRecord:
    """Store an exported chat log and detect its format.

    Args:
        stream: read in chunks, never at once.
        size_limit: bytes.

    Raises:
        DataError: too large, empty, damaged, or not a chat export; then nothing is stored.
    """
    with stored_file(stream, filename, size_limit) as row:
        if not row.size_bytes:
            raise data_error("empty_file", f"{row.filename} is empty.")
        found = chat_logs.recognize(Bundle(get_storage().local_path(row.path), row.filename))
    return _save(row, found.id)


def ingest_folder(files: Iterable[tuple[str, BinaryIO]], size_limit: int = MAX_UPLOAD_BYTES) -> SourceRecord:
    """Store the files of a folder as one archive, then as `ingest`.

    Args:
        files: path inside the folder, and the file; `..` and the like are removed from the path.

    Raises:
        DataError: as `ingest`, or the folder is empty.
    """
    total, top = 0, ""
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, stream in files:
                parts = [
                    display_name(part) for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")
                ]
                name = "/".join(parts) or "file"
                top = top or parts[0].removesuffix(".json")
                with archive.open(name, "w") as target:
                    while chunk := stream.read(_CHUNK):
                        total += len(chunk)
                        if total > size_limit:
                            raise data_error("file_too_large", too_large("The folder", size_limit))
                        target.write(chunk)
        if not top:
            raise data_error("empty_file", "The folder has no files.", "Choose the folder of the export.")
        packed.seek(0)
        return ingest(packed, f"{top}.zip", size_limit * 2)


def get(source_id: str) -> SourceRecord:
    """The stored log. Raises NotFound."""
    return record(_row(source_id))


def set_format(source_id: str, format_id: str) -> SourceRecord:
    """Read the upload as another kind of export. Raises NotFound if there is no such format."""
    return _save(_row(source_id), chat_logs.LOG_FORMATS.get(format_id).id)


def kind_of_upload(source_id: str) -> LogFormat | None:
    """The chat export that a stored upload of any other kind is; None if it is none, or may be something else.

    Raises:
        NotFound: no such upload.
    """
    upload = uploads.get(source_id)
    return _kind_of(upload.id, upload.filename)


@lru_cache(maxsize=64)  # an upload never changes
def _kind_of(source_id: str, filename: str) -> LogFormat | None:
    try:
        found_in = Bundle(uploads.local_path(source_id), filename)
        found = chat_logs.recognize(found_in)
        return found if found.is_sure(found_in) else None
    except StudioError:  # not a chat export
        return None


def of_upload(source_id: str) -> SourceRecord:
    """A stored upload once more, as a chat log.

    Raises:
        NotFound: no such upload. DataError: it is not a chat export.
    """
    with uploads.local_path(source_id).open("rb") as stream:
        return ingest(stream, uploads.get(source_id).filename)


def hints(source_id: str) -> Hints:
    """The available columns, and the initial choices."""
    return log_format(source_id).hints(bundle(source_id))


def log_format(source_id: str) -> LogFormat:
    """The format that the log is read by."""
    return chat_logs.LOG_FORMATS.get(get(source_id).format)


def bundle(source_id: str) -> Bundle:
    """The upload as files with rows."""
    row = _row(source_id)
    return Bundle(get_storage().local_path(row.path), row.filename)


def _save(row: Source, format_id: str) -> SourceRecord:
    """The upload with the format (an id in LOG_FORMATS) that it is read by."""
    row.format = format_id
    return record(saved_row(row, Detection(f"chat_log:{format_id}")))


def _row(source_id: str) -> Source:
    row = find_row(source_id)
    if row is None or not str(row.detection.get("format", "")).startswith("chat_log:"):
        raise NotFound(f"There is no chat log {source_id!r}.", "Upload the export again.")
    return row
