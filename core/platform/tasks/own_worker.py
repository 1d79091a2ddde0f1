"""The worker of one command where no studio runs: a fork of the command's process, without Redis.

The fork has imported what the command has, so it starts in milliseconds instead of seconds. Redis only wakes workers;
this one is woken through a pipe. Everything else is as with any worker: the rows are the truth, a lease fences the
work, and a worker that dies is replaced.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from typing import Final

import psutil

from core.platform.db.engine import get_engine
from core.platform.processes import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    OWN_NOTE,
    Command,
    Service,
    family,
    kill,
    service_log,
)
from core.platform.tasks.announce import announce, wake_with

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
        self._tasks: set[str] = set()  # that it was given
        self._recovers = False  # whether the next one looks at once for what others left
        self._deaths, self._start_at = 0, 0.0

    def claim(self) -> bool:
        """Whether this process may have it: no other runs one on this data directory, and a fork is safe."""
        if not hasattr(os, "fork") or threading.active_count() > 1 or not self._lock.claim(OWN_NOTE):
            return False
        self._reading, self._writing = os.pipe()
        wake_with(self.queue, self.wake)
        return True

    def wake(self, task_id: str) -> bool:
        """Give it a task; the first one starts it."""
        self._tasks.add(task_id)
        os.write(self._writing, f"{task_id}\n".encode())
        if self._process is None:
            self._start()
        return True

    def expect(self, task_id: str) -> None:
        """Look after a task that this process waits for. Call it a few times a second.

        It is given to the worker where it was created by an earlier command, and a worker that has ended is replaced.
        """
        if task_id not in self._tasks:
            self._tasks.add(task_id)
            self._recovers = True  # what worked on it before may have died
            announce(task_id)
            if self._process is None:
                self._start()
        if self._process is not None and self._process.is_alive():
            return
        if self._process is not None and self._start_at == 0.0:
            pause_s = min(FIRST_PAUSE_S * 2**self._deaths, LONGEST_PAUSE_S)
            name, log = self._lock.command.name, service_log(self._lock.command.name)
            self._say(f"{name} ended (exit {self._process.exitcode}); restarting it in {pause_s:.1f} s. Log: {log}")
            self._deaths, self._recovers, self._start_at = self._deaths + 1, True, time.monotonic() + pause_s
        elif time.monotonic() >= self._start_at:
            self._start()

    def stop(self) -> None:
        """End it: its task is saved and released. When interrupted, it is killed."""
        wake_with(self.queue, None)
        try:
            if self._process is not None and self._process.is_alive():
                self._end(self._process)
        finally:
            for end in (self._reading, self._writing):
                os.close(end)
            self._lock.release()

    def _end(self, process: ForkProcess) -> None:
        members: list[psutil.Process] = []
        try:
            process.terminate()
            members = family(process.pid) if process.pid else []
            process.join(self._stop_s)
        finally:
            kill(members)
            process.kill()
            process.join()

    def _start(self) -> None:
        get_engine().dispose()  # a fork that inherits an open connection takes no locks in SQLite
        arguments = (self.queue, self._reading, self._writing, os.getpid())
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=arguments, kwargs={"recovers": self._recovers}
        )
        # A signal between the fork and the handlers of the new process would run this one's code in both.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            process.start()
            self._process, self._start_at, self._recovers = process, 0.0, False
        except OSError as error:  # too many processes, or no memory for one
            self._start_at = time.monotonic() + LONGEST_PAUSE_S
            self._say(f"A worker could not be started ({error.strerror}); trying again in {LONGEST_PAUSE_S:.0f} s.")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(queue: str, reading: int, writing: int, parent_pid: int, *, recovers: bool) -> None:
    importlib.import_module(_MODULE).serve(queue, reading, writing, parent_pid, recovers=recovers)
