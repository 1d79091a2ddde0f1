"""Directories with base models that a user added by their path; their files stay where they are.

The list is a file in the data directory: paths are of this machine, as that directory is.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

from core.settings import get_settings


def directories() -> list[Path]:
    """The added directories, in the order they were added; one may no longer exist."""
    try:
        return [Path(str(path)) for path in json.loads(_file().read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def add(directory: Path) -> None:
    """Add a directory to the list; one that is in it stays where it is."""
    _change(lambda known: known if directory in known else [*known, directory])


def remove(directory: Path) -> None:
    """Remove a directory from the list; its files are not touched."""
    _change(lambda known: [path for path in known if path != directory])


def _change(change: Callable[[list[Path]], list[Path]]) -> None:
    """Write the changed list; two processes that write at once do so one after the other."""
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps([str(path) for path in change(directories())], indent=1), encoding="utf-8")
        temporary.replace(file)


def _file() -> Path:
    return get_settings().data_dir / "base_models" / "added.json"
