"""How often the kernel has killed for memory where this process lives: it tells such a kill from any other SIGKILL."""

from __future__ import annotations

import contextlib
from pathlib import Path


def memory_kills(root: Path = Path("/")) -> int:
    """The count of this process's own control group (version 2, else 1); where none tells, that of the machine.

    Only a rise between two looks means something.
    """
    for path in (*_files(root), root / "proc/vmstat"):
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0


def _files(root: Path) -> list[Path]:
    """Where the own group's count may stand: under its path as this process sees it, else at the mount's top, which is
    what a container shows of it."""
    version_2, version_1 = root / "sys/fs/cgroup", root / "sys/fs/cgroup/memory"
    found = []
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                found.append(version_2 / path.strip("/") / "memory.events")
            elif "memory" in controllers.split(","):
                found.append(version_1 / path.strip("/") / "memory.oom_control")
    return [*found, version_2 / "memory.events", version_1 / "memory.oom_control"]
