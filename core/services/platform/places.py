"""The folders of the data directory, and the disk space that each uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.platform import disk
from core.settings import get_settings


@dataclass(frozen=True, slots=True)
class Place:
    """One folder or file of the data directory and its size."""

    name: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StorageUse:
    """Disk use of the studio. All sizes are bytes; `free_bytes` is the free space of the disk."""

    data_dir: str
    places: tuple[Place, ...]
    free_bytes: int

    @property
    def used_bytes(self) -> int:
        return sum(place.size_bytes for place in self.places)


_PLACES = (
    ("Uploads", "files/sources"),
    ("Datasets", "files/datasets"),
    ("Tuned models", "files/models"),
    ("Base models", "models"),
    ("Work in progress", "work"),
    ("Database", "studio.db"),
    ("Logs", "logs"),
)


def low_disk() -> int | None:
    """The free bytes of the disk, if they are so few that work will soon fail."""
    free = disk.free_bytes()
    return free if free < disk.LOW_BYTES else None


def storage_use() -> StorageUse:
    """Measure the data directory. Files outside of the named places are counted as “Other”."""
    root = get_settings().data_dir
    root.mkdir(parents=True, exist_ok=True)
    places = [Place(name, str(root / part), _size(root / part)) for name, part in _PLACES]
    rest = _size(root) - sum(place.size_bytes for place in places)
    places.append(Place("Other", str(root), max(0, rest)))
    shown = tuple(place for place in places if place.size_bytes)
    return StorageUse(str(root), shown, disk.free_bytes(root))


def _size(path: Path) -> int:
    """Bytes of a file, or of everything below a folder; files deleted in the meantime count as 0."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        with os.scandir(path) as entries:
            return sum(
                _size(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else entry.stat().st_size
                for entry in entries
                if not entry.is_symlink()
            )
    except OSError:
        return 0
