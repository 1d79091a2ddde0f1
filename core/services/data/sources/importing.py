"""Files of this server and of other hosts become uploads, where the settings allow it and nowhere else.

A path is resolved, links included, and must then be under one of SFT_IMPORT_ROOTS. A URL must name one of
SFT_IMPORT_HOSTS (see core.platform.fetch).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from core.data.issues import data_error
from core.errors import DataError, StudioError
from core.platform.fetch import download
from core.services.data import sources
from core.services.data.sources import SourceRecord
from core.settings import MAX_UPLOAD_BYTES, get_settings


@dataclass(frozen=True, slots=True)
class ImportPlaces:
    """Where files may be imported from; both empty: the feature is off."""

    roots: tuple[Path, ...]
    hosts: tuple[str, ...]


def available() -> ImportPlaces:
    """The folders in SFT_IMPORT_ROOTS and the hosts in SFT_IMPORT_HOSTS."""
    settings = get_settings()
    roots = [Path(os.path.realpath(Path(name).expanduser())) for name in _split(settings.import_roots, os.pathsep)]
    return ImportPlaces(tuple(roots), tuple(name.lower() for name in _split(settings.import_hosts, ",")))


def from_path(path: str | Path) -> SourceRecord:
    """Copy a file of this server into the store, as an upload.

    Raises:
        StudioError: no folder is allowed, or the file is in none of them.
        DataError: missing, not a file, too large, or unreadable.
    """
    roots = available().roots
    if not roots:
        text = "Files of the server cannot be imported: no folder is allowed."
        raise StudioError(text, "Set SFT_IMPORT_ROOTS to a folder and restart the studio, or upload the file.")
    text = str(path).strip()
    if not text or "\0" in text:
        raise DataError("The path is empty.", "Enter the path of a file on the server.", field="path")
    requested = Path(text).expanduser()
    if not requested.is_absolute():
        requested = roots[0] / requested
    # The file is opened first and checked afterwards, so that it cannot be exchanged in between.
    try:
        handle = os.open(requested, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        handle = -1
    try:
        real = Path(os.path.realpath(f"/proc/self/fd/{handle}" if handle >= 0 else requested))
        if not any(real.is_relative_to(root) for root in roots):
            # The same message whether the file exists or not: nothing outside can be probed for.
            text = f"{text!r} is outside the folders that files may be imported from."
            raise StudioError(text, f"Choose a file under {', '.join(map(str, roots))}.")
        if handle < 0:
            raise data_error("file_missing", f"{text!r} does not exist or cannot be opened.", field="path")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise data_error("file_missing", f"{text!r} is not a file.", "Enter the path of a file.", field="path")
        with os.fdopen(handle, "rb") as stream:
            handle = -1
            return sources.ingest(cast(BinaryIO, stream), real.name, origin="path")
    finally:
        if handle >= 0:
            os.close(handle)


def from_url(url: str, size_limit: int = MAX_UPLOAD_BYTES) -> SourceRecord:
    """Fetch a file from an allowed host into the store, as an upload; streamed, and stopped at the size limit.

    Args:
        size_limit: bytes.

    Raises:
        StudioError: no host is allowed, or not this one; a redirect leads elsewhere; the host does not answer.
        DataError: not a web address, too large, or unreadable.
    """
    hosts = available().hosts
    if not hosts:
        text = "Files cannot be fetched from other hosts: no host is allowed."
        raise StudioError(text, "Set SFT_IMPORT_HOSTS to their names and restart the studio, or upload the file.")
    with download(url, hosts, size_limit) as file:
        return sources.ingest(file.stream, file.name, size_limit, origin="url")


def _split(text: str, separator: str) -> list[str]:
    return [word.strip() for word in text.split(separator) if word.strip()]
