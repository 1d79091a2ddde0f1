"""Temporary folders that are removed also after a kill: by whoever makes the next one.

Each folder holds a lock for as long as its process lives. A folder whose lock is free was left by a process that was
killed or lost its power.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.errors import StorageError

_LOCK: Final = ".lock"
_NEW_S: Final = 60.0  # a folder without a lock may be in the making


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new, empty folder for this process alone, removed at the end.

    Raises:
        StorageError: the folder for temporary files belongs to another user.
    """
    place = root()
    _sweep(place)
    path = Path(tempfile.mkdtemp(dir=place))
    with (path / f"{_LOCK}.new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(lock.name, path / _LOCK)  # never seen unlocked, which would mean that the folder was left
        inner = path / "files"
        inner.mkdir()
        try:
            yield inner
        finally:
            shutil.rmtree(path, ignore_errors=True)


def root() -> Path:
    """Where this user's folders are: no other user can read them, or have prepared the place. Raises as `folder`."""
    place = Path(tempfile.gettempdir()) / f"sft-studio-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    facts = place.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise StorageError(
            f"{place} is accessible to other users of this machine.",
            "Remove it, or set TMPDIR to a folder that only you can access.",
        )
    return place


def _sweep(place: Path) -> None:
    for path in place.iterdir():
        with contextlib.suppress(OSError):  # another process removes it too
            lock = path / _LOCK
            if not lock.exists():
                if time.time() - path.stat().st_mtime > _NEW_S:
                    shutil.rmtree(path, ignore_errors=True)
                continue
            with lock.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
