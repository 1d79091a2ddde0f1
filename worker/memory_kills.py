"""Counts processes that the kernel killed for lack of memory, to distinguish such a kill from any other SIGKILL."""

from __future__ import annotations

import contextlib
from pathlib import Path


def memory_kills(root: Path = Path("/")) -> int:
    """The count of this process's control group (version 2, else 1), or of the machine.

    Only an increase between two calls is meaningful.
    """
    for path in (*_files(root), root / "proc/vmstat"):
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0


def _files(root: Path) -> list[Path]:
    """Where the group's count can be: under its path as this process sees it, or at the top of the mount, which is what
    a container shows."""
    version_2, version_1 = root / "sys/fs/cgroup", root / "sys/fs/cgroup/memory"
    paths = []
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                paths.append(version_2 / path.strip("/") / "memory.events")
            elif "memory" in controllers.split(","):
                paths.append(version_1 / path.strip("/") / "memory.oom_control")
    return [*paths, version_2 / "memory.events", version_1 / "memory.oom_control"]
