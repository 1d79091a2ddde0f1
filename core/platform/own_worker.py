"""The worker of one command where no studio runs: a fork of the command's process, without Redis.

The fork has imported what the command has, so it starts in milliseconds instead of seconds. Redis only wakes workers;
this one is woken through a pipe. Everything else is as with any worker: the rows are the truth, a lease fences the
work, and a worker that dies is replaced.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from typing import Final

from core.platform.processes import FIRST_PAUSE_S, LONGEST_PAUSE_S, Command, Service, family, kill, service_log
from core.platform.tasks.announce import wake_with

_MODULE: Final = "worker.single"  # its `serve` runs in the fork


class OwnWorker:
    """Works on the tasks of one queue that this process creates, and ends with it.

    Args:
        queue: gpu, cpu or io.
        stop_s: how long it may take to end before it is killed.
    """

    def __init__(self, queue: str, say: Callable[[str], None], stop_s: float) -> None:
        self.queue, self._say, self._stop_s = queue, say, stop_s
        self._lock = Service(Command(f"worker-{queue}", list), say)
        self._process: ForkProcess | None = None
        self._reading = self._writing = -1
        self._deaths, self._start_at = 0, 0.0

    def claim(self) -> bool:
        """Whether this process may have it: no other runs one on this data directory, and a fork is safe."""
        if not hasattr(os, "fork") or threading.active_count() > 1 or not self._lock.claim():
            return False
        self._reading, self._writing = os.pipe()
        wake_with(self.queue, self.wake)
        return True

    def wake(self, task_id: str) -> None:
        """Give it a task; the first one starts it."""
        os.write(self._writing, f"{task_id}\n".encode())
        if self._process is None:
            self._start()

    def tick(self) -> None:
        """Replace it when it has ended. Call it a few times a second."""
        if self._process is None or self._process.is_alive() or time.monotonic() < self._start_at:
            return
        if self._start_at == 0.0:
            pause_s = min(FIRST_PAUSE_S * 2**self._deaths, LONGEST_PAUSE_S)
            name, log = self._lock.command.name, service_log(self._lock.command.name)
            self._say(f"{name} ended (exit {self._process.exitcode}); restarting it in {pause_s:.1f} s. Log: {log}")
            self._deaths, self._start_at = self._deaths + 1, time.monotonic() + pause_s
            return
        self._start()

    def stop(self) -> None:
        """End it: its task is saved and released."""
        wake_with(self.queue, None)
        if self._process is not None:
            members = family(self._process.pid or 0)
            self._process.terminate()
            self._process.join(self._stop_s)
            kill(members)
            self._process.join()
        for end in (self._reading, self._writing):
            os.close(end)
        self._lock.release()

    def _start(self) -> None:
        arguments = (self.queue, self._reading, self._writing, os.getpid())
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_serve, args=arguments, kwargs={"replaces": self._deaths > 0})
        self._process.start()
        self._start_at = 0.0


def _serve(queue: str, reading: int, writing: int, parent_pid: int, *, replaces: bool) -> None:
    importlib.import_module(_MODULE).serve(queue, reading, writing, parent_pid, replaces=replaces)
