"""A small disk that really runs full: a tmpfs of its own where we may mount, else a limit on the size of files."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SmallDisk:
    """`free` makes room, as a person does who deletes something."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder, self.mounted = folder, mounted

    def free(self) -> None:
        if self.mounted:
            _mount(self.folder, "remount,size=512m")
        else:
            _limit_files(resource.RLIM_INFINITY)


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Make `folder` a file system with room for so many bytes, until the block ends.

    Where mounting is not allowed no single file may grow beyond a fifth of it: the kernel refuses the write as it
    does on a full disk, with another number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mounted = os.getuid() == 0 and _mount(folder, f"size={size_bytes}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if not mounted:
        _limit_files(size_bytes // 5)
    try:
        yield SmallDisk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        else:
            _limit_files(before)


def _mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def _limit_files(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
