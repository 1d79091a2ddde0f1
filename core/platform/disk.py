"""The free space of the disk: checked before work that writes, and what happens when the disk is full all the same.

A small file in the data directory holds space back. When the disk is full it is deleted, so that the database can still
record how the work ended; it is created again once there is room.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.errors import StorageError
from core.settings import get_settings
from core.text import size

LOW_BYTES: Final = 200_000_000  # below, every screen says so
SPARE_BYTES: Final = 16 << 20  # left for the database and the logs by work that asks before it writes
_HELD_BACK: Final = 8 << 20
_REMEDY: Final = "Free some space, or set SFT_DATA_DIR to a larger disk."
_SAYS_FULL: Final = ("no space left", "database or disk is full", "quota exceeded", "could not extend file")

_NUMPY_SAYS_FULL: Final = re.compile(r"\d+ requested and \d+ written")  # of `tofile`, whose error has no number


def free_bytes(folder: Path | None = None) -> int:
    """Free space of a folder's file system; None: the data directory's. The folder need not exist yet."""
    folder = folder or get_settings().data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require(needed_bytes: int, what: str, folder: Path | None = None) -> None:
    """Check before work that writes.

    Args:
        needed_bytes: at most written at any moment; a reserve for the database is added.
        what: begins the sentence: "The conversion".

    Raises:
        StorageError: there is less space than that.
    """
    free, needed = free_bytes(folder), needed_bytes + SPARE_BYTES
    if needed > free:
        where = folder or get_settings().data_dir
        raise StorageError(
            f"The disk is full: {what} needs {size(needed)}, and {size(free)} is free at {where}.", _REMEDY
        )


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, says that a disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        text = str(error).lower()
        if any(words in text for words in _SAYS_FULL) or _NUMPY_SAYS_FULL.fullmatch(text):
            return True
        error = error.__cause__ or error.__context__
    return False


def full(what: str = "", needed_bytes: int = 0, folder: Path | None = None) -> StorageError:
    """The error for work that found the disk full while it wrote. Arguments as of `require`."""
    where = folder or get_settings().data_dir
    needs = f"{what} needs {size(needed_bytes)}, and " if needed_bytes else ""
    return StorageError(
        f"The disk is full: {needs}{size(free_bytes(folder))} is free at {where}. Nothing was saved.", _REMEDY
    )


@contextlib.contextmanager
def naming(what: str, needed_bytes: int, folder: Path | None = None) -> Iterator[None]:
    """Name what was being written, and its size, where the disk runs full in the block. Arguments as of `require`.

    The block deletes what it wrote: the space that is reported as free is measured after that.
    """
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise full(what, needed_bytes, folder) from error
        raise


def hold_back() -> None:
    """Hold some space back, if there is plenty."""
    path = _held_back()
    if path.exists() or not path.parent.is_dir() or free_bytes() < 4 * _HELD_BACK:
        return
    with contextlib.suppress(OSError):
        number = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.posix_fallocate(number, 0, _HELD_BACK)
        finally:
            os.close(number)


def release() -> None:
    """Give the space that is held back to whoever records that the disk is full."""
    with contextlib.suppress(OSError):
        _held_back().unlink(missing_ok=True)


def _held_back() -> Path:
    return get_settings().data_dir / ".space-held-back"
