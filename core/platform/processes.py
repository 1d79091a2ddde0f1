"""Child processes that end with their parent, and services: processes that are restarted when they end."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.platform import life
from core.settings import get_settings

ROOT = Path(__file__).parents[2]  # where Home.py and .streamlit are
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
OWN_NOTE = "a command"  # with the lock of a worker that works for one command alone
HEALTHY_S = 30.0  # a service that ran this long is restarted without a longer pause
LARGEST_LOG_BYTES = 10_000_000

_PR_SET_PDEATHSIG = 1
_libc = (
    ctypes.CDLL(None) if sys.platform == "linux" else None
)  # loaded here, because a forked child must not load anything


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGTERM when the parent ends in any way, kill -9 included. Survives exec. Linux only.

    Args:
        parent_pid: the expected parent; if it has ended already, this process ends now.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine exists (a zombie counts)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True)
class Command:
    """How a service is started.

    Args:
        name: also the name of its log and its lock.
        argv: returns the command line; called at each start (the embedded Redis creates its folder then).
        stop_s: how long it may take to end after SIGTERM before it is killed.
        silent_s: returns how long it may give no sign of life (`core.platform.life`) before it counts as hung; None:
            it gives none.
        may_replace: whether a hung process (its pid) may be killed now.
    """

    name: str
    argv: Callable[[], list[str]]
    stop_s: float = 5.0
    silent_s: Callable[[], float] | None = None
    may_replace: Callable[[int], bool] = lambda pid: True


class Service:
    """One supervised process: started once its lock is free, restarted with growing pauses when it ends.

    The lock allows one per data directory. The process inherits it, so it is released only when supervisor *and*
    process have ended: a new supervisor never starts a second Redis while the first is still closing its files.
    """

    def __init__(self, command: Command, say: Callable[[str], None]) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self._say = say
        self._lock: int | None = None
        self._life: life.Listener | None = None
        self._asked_at = 0.0
        self._failures = 0
        self._start_at = self._started_at = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def claim(self, note: str = "") -> bool:
        """Whether this supervisor may run it. Others can read `note` (`note_of`)."""
        if self._lock is None:
            handle = os.open(lock_path(self.command.name), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            os.ftruncate(handle, 0)
            os.write(handle, note.encode())
            self._lock = handle
        return True

    def wait(self, seconds: float) -> None:
        """Do not start it before so many seconds have passed."""
        self._start_at = time.monotonic() + seconds

    def tick(self) -> None:
        """Start it when it is time, notice when it ended. Call it a few times a second."""
        self._limit_log()
        if self.is_running:
            self._replace_if_hung()
        if self.is_running or time.monotonic() < self._start_at or not self.claim():
            return
        if self.process is None:
            self._start()
            return
        lived_s = time.monotonic() - self._started_at
        self._failures = 0 if lived_s > HEALTHY_S else self._failures + 1
        pause_s = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._start_at = time.monotonic() + pause_s
        self._say(
            f"{self.command.name} ended (exit {self.process.returncode}); restarting it in {pause_s:.0f} s. "
            f"Log: {service_log(self.command.name)}"
        )
        self.process = None
        self._forget_life()

    def _replace_if_hung(self) -> None:
        """Kill the process and its children when it hangs: the next `tick` starts another one."""
        if self.command.silent_s is None or self._life is None or self.process is None:
            return
        silent_s = self._life.silent_s()
        if silent_s < self.command.silent_s() or time.monotonic() - self._asked_at < 1:
            return
        self._asked_at = time.monotonic()
        if self.command.may_replace(self.process.pid):
            self._say(f"{self.command.name} has not responded for {silent_s:.0f} s; replacing it.")
            kill(family(self.process.pid))

    def _forget_life(self) -> None:
        if self._life is not None:
            self._life.close()
            self._life = None

    def _start(self) -> None:
        path = service_log(self.command.name)
        settings = get_settings()
        assert self._lock is not None
        parent = os.getpid()
        self._life = life.Listener() if self.command.silent_s else None
        signs = self._life.environment if self._life else {}
        with path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command.argv(),
                cwd=ROOT,
                env=os.environ | {"SFT_DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1"} | signs,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches only the supervisor, which stops it in order
                pass_fds=[self._lock, *([self._life.writing] if self._life else [])],
                preexec_fn=lambda: die_with_parent(parent),
            )
        if self._life:
            self._life.started()
        self._started_at = time.monotonic()

    def _limit_log(self) -> None:
        """Move what the process printed so far to `<name>.log.1` when it is too large; the process keeps its file."""
        path = service_log(self.command.name)
        with contextlib.suppress(OSError):
            if path.stat().st_size > LARGEST_LOG_BYTES:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)

    def release(self) -> None:
        """Release the lock, once the process has ended."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self._forget_life()
        self.process = None


def stop_all(services: Iterable[Service]) -> None:
    """Send SIGTERM to all, then SIGKILL to each that takes too long, with its children; then unlock."""
    running = [service for service in services if service.process is not None]
    families = {service.command.name: family(service.process.pid) for service in running if service.process}
    for service in running:
        with contextlib.suppress(ProcessLookupError):
            service.process.terminate()  # type: ignore[union-attr]
    began = time.monotonic()
    for service in running:
        assert service.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.process.wait(max(began + service.command.stop_s - time.monotonic(), 0.1))
        kill(families[service.command.name])
        service.process.wait()
    for service in services:
        service.release()


def family(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """End those that still run."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def lock_path(name: str) -> Path:
    folder = get_settings().data_dir / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.lock"


def note_of(name: str) -> str | None:
    """The note that a service's supervisor left with its lock; None if the service is not running."""
    handle = os.open(lock_path(name), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return os.pread(handle, 4096, 0).decode()
    finally:
        os.close(handle)


def service_log(name: str) -> Path:
    """Where a service's output goes that does not pass through its loggers (`core/platform/logs.py`)."""
    folder = get_settings().data_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"
