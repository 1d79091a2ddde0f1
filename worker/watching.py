"""What every worker knows about its work process: when it must end, why it died, and where its output goes."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path

from core.platform import logs
from core.platform.tasks import store
from core.platform.tasks.kinds import kind_of
from core.settings import get_settings

log = logging.getLogger(__name__)

WATCH_EVERY_S = 1  # in full seconds, because it is an alarm of RQ's
LOST_GRACE_S = 10.0  # for a work process that ended its task, or lost its lease, to clean up and exit


class Watch:
    """Reads the task's row once per second, for the worker whose child works on it."""

    def __init__(self, task_id: str, owner: str) -> None:
        self.task_id = task_id
        self.owner = owner
        self.heartbeat_at = time.monotonic()
        self._had_lease = False
        self._since: dict[str, float] = {}

    def reason_to_kill(self) -> str:
        """Why the work process must end now, or ""."""
        try:
            task = store.get(self.task_id)
        except Exception as error:  # a database that is busy or restarting is not a reason to kill
            log.warning("The watch could not read task %s: %s", self.task_id, error)
            return ""
        holds = task.lease_owner == self.owner
        self._had_lease = self._had_lease or holds
        # Work elsewhere is cancelled there: its calls end by their own limits, and must not be cut off.
        cancelled = holds and task.command == "cancel" and not kind_of(task.kind).runs_elsewhere
        if self._lasts("cancel", cancelled, get_settings().cancel_grace_s):
            return "it did not stop when it was cancelled"
        if self._lasts("lost", self._had_lease and not holds, LOST_GRACE_S):
            return "its lease expired and it did not exit"
        return ""

    def _lasts(self, condition: str, holds: bool, limit_s: float) -> bool:
        """Whether a condition has lasted longer than the limit, by this process's clock."""
        if not holds:
            self._since.pop(condition, None)
            return False
        return time.monotonic() - self._since.setdefault(condition, time.monotonic()) > limit_s


def write_to(path: Path, queue: str) -> None:
    """Send everything that this process prints from here on, native libraries included, to the task's log."""
    stream = path.open("a", buffering=1)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)
    logs.configure(f"worker-{queue}", on_stderr=True)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a work process and its children, but never this process's group (a fresh fork has no group yet)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the group of one that has ended
        group = os.getpgid(pid)
        if group == os.getpgrp():
            os.kill(pid, number)
        else:
            os.killpg(group, number)


def cause_of_death(status: int | None, kills_before: int) -> str:
    """out_of_memory, killed or crashed, from the exit status and the kernel's count of memory kills before."""
    if status is None or not os.WIFSIGNALED(status):
        return "crashed"
    if os.WTERMSIG(status) == signal.SIGKILL and memory_kills() > kills_before:
        return "out_of_memory"
    return "killed" if os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGTERM) else "crashed"


def memory_kills(root: Path = Path("/")) -> int:
    """How many processes the kernel killed for lack of memory, to distinguish such a kill from any other SIGKILL.

    It is the count of this process's control group (version 2, else 1), or of the machine; only an increase between two
    calls is meaningful.
    """
    for path in (*_memory_events(root), root / "proc/vmstat"):
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0


def _memory_events(root: Path) -> list[Path]:
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
