"""Uploads in parts, for files that a connection would not carry in one piece: started, sent part by part, completed.

Parts may arrive in any order, and again. What is not completed within a day is deleted.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from core.errors import DataError, NotFound
from core.ids import new_id
from core.platform import disk
from core.services.data import sources
from core.services.data.sources import SourceRecord
from core.settings import MAX_UPLOAD_BYTES, get_settings
from core.text import plural, too_large

KEPT_S: Final = 86_400.0
MOST_PARTS: Final = 1_000
MOST_OPEN: Final = 100
_NAME: Final = "filename"


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """An upload that is being sent; `parts` are the numbers that have arrived."""

    id: str
    filename: str
    parts: tuple[int, ...]
    size_bytes: int


def begin(filename: str) -> PartialUpload:
    """Start an upload. Raises DataError if too many are open."""
    _sweep()
    if len(list(_root().iterdir())) >= MOST_OPEN:
        raise DataError(f"{MOST_OPEN} uploads are open already.", "Complete or delete one.", code="too_many_uploads")
    folder = _root() / new_id("part")
    folder.mkdir()
    (folder / _NAME).write_text(sources.display_name(filename), encoding="utf-8", errors="replace")
    return get(folder.name)


def get(upload_id: str) -> PartialUpload:
    """Raises NotFound."""
    folder = _folder(upload_id)
    parts = _parts(folder)
    size = sum(path.stat().st_size for path in parts.values())
    return PartialUpload(upload_id, (folder / _NAME).read_text(encoding="utf-8"), tuple(sorted(parts)), size)


def put(upload_id: str, number: int, content: bytes) -> PartialUpload:
    """Store a part; one that is sent again replaces the earlier one.

    Raises:
        NotFound: the upload does not exist. DataError: the number is out of range, or all parts are too large together.
    """
    folder, now = _folder(upload_id), get(upload_id)
    if not 1 <= number <= MOST_PARTS:
        raise DataError(f"A part has a number from 1 to {MOST_PARTS:,}; got {number:,}.", code="part", field="number")
    earlier = _parts(folder).get(number)
    size = now.size_bytes + len(content) - (earlier.stat().st_size if earlier else 0)
    if size > MAX_UPLOAD_BYTES:
        raise DataError(too_large(now.filename, MAX_UPLOAD_BYTES, size), "Split the file.", code="file_too_large")
    disk.require(len(content), "the part")
    fresh = folder / f"{number}.new"
    fresh.write_bytes(content)
    fresh.replace(folder / str(number))
    return get(upload_id)


def complete(upload_id: str) -> SourceRecord:
    """Join the parts into an upload.

    Raises:
        NotFound: the upload does not exist. DataError: a part is missing, or the file cannot be read.
    """
    folder, now = _folder(upload_id), get(upload_id)
    missing = sorted(set(range(1, max(now.parts, default=1) + 1)) - set(now.parts))
    if missing:
        text = f"{plural(len(missing), 'part')} of {now.filename} did not arrive: {', '.join(map(str, missing[:20]))}."
        raise DataError(text, "Send them.", code="part_missing")
    with _joined(folder, now.parts) as stream:
        source = sources.ingest(stream, now.filename, origin="api")  # type: ignore[arg-type]
    shutil.rmtree(folder, ignore_errors=True)
    return source


def delete(upload_id: str) -> None:
    """Give an upload up. Raises NotFound."""
    shutil.rmtree(_folder(upload_id), ignore_errors=True)


@contextmanager
def _joined(folder: Path, parts: tuple[int, ...]) -> Iterator[IO[bytes]]:
    whole = folder / "joined"
    with whole.open("wb") as out:
        for number in parts:
            with (folder / str(number)).open("rb") as part:
                shutil.copyfileobj(part, out)
    with whole.open("rb") as stream:
        yield stream


def _parts(folder: Path) -> dict[int, Path]:
    return {int(path.name): path for path in folder.iterdir() if path.name.isdecimal()}


def _root() -> Path:
    root = get_settings().data_dir / "work" / "uploads"
    root.mkdir(parents=True, exist_ok=True)
    return root


def _folder(upload_id: str) -> Path:
    known = {path.name: path for path in _root().iterdir()}  # a foreign id never becomes a path
    if upload_id not in known:
        raise NotFound(f"The upload in parts {upload_id!r} does not exist.", "Begin one; they are deleted after a day.")
    return known[upload_id]


def _sweep() -> None:
    for folder in _root().iterdir():
        if folder.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
