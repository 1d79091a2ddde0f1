"""The worker of one command, in a fork of its process (`core.platform.tasks.own_worker`), without Redis.

Each task has a work process, another fork, which is watched as those of every worker.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import os
import select
import signal
import sys
import time
from multiprocessing.connection import wait
from types import FrameType
from typing import Final

from core.platform import logs
from core.platform.db.engine import get_engine
from core.platform.logs import log_path
from core.platform.processes import die_with_parent, service_log
from core.platform.tasks.announce import wake_with
from core.platform.tasks.owners import worker_name
from core.platform.tasks.recovery import after_death
from core.settings import get_settings
from worker import run
from worker.watching import WATCH_EVERY_S, Watch, cause_of_death, memory_kills, signal_group, write_to

log = logging.getLogger(__name__)

LOOK_LATER_S: Final = 20.0  # for what was interrupted; a short command is over by then


def serve(queue: str, reading: int, writing: int, parent_pid: int, *, recovers: bool) -> None:
    """Work until SIGTERM, or until the command ends.

    Args:
        reading, writing: the ends of a pipe with the id of a task per line.
        recovers: whether to look at once for what workers that died have left.
    """
    worker = _Single(queue, reading, writing, parent_pid, 0.0 if recovers else LOOK_LATER_S)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the command, which stops this process in order
    signal.signal(signal.SIGTERM, worker.stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})  # the command held them for the fork
    die_with_parent(parent_pid)
    os.setsid()
    _write_to_service_log(queue)
    wake_with(queue, worker.wake)
    gc.freeze()  # the collector would make each fork copy what was imported here
    worker.work()


class _Single:
    def __init__(self, queue: str, reading: int, writing: int, parent_pid: int, look_in_s: float) -> None:
        self.queue, self.name = queue, worker_name(queue)
        self._reading, self._writing, self._parent_pid = reading, writing, parent_pid
        self._look_at = time.monotonic() + look_in_s
        self._stopping = False
        self._work_pid = 0
        self._received = b""

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """On SIGTERM: the work process saves and releases its lease; this one ends after it."""
        self._stopping = True
        if self._work_pid:  # not its helpers: it may wait for what they make
            with contextlib.suppress(OSError):
                os.kill(self._work_pid, signal.SIGTERM)
        _send(self._writing, "")  # ends the wait for a task

    def wake(self, task_id: str) -> bool:
        """Take a task, unless this worker ends."""
        return not self._stopping and _send(self._writing, task_id)

    def work(self) -> None:
        """Do one task after another."""
        while not self._stopping and os.getppid() == self._parent_pid:
            for task_id in self._next_tasks():
                if task_id and not self._stopping:
                    self._do(task_id)
            if time.monotonic() >= self._look_at and not self._stopping:
                self._look_at = time.monotonic() + get_settings().reconcile_s
                _recover(self.queue)

    def _next_tasks(self) -> list[str]:
        """Ids of tasks, after a second at most."""
        ready, _, _ = select.select([self._reading], [], [], min(max(self._look_at - time.monotonic(), 0.0), 1.0))
        if ready:
            self._received += os.read(self._reading, 65_536)
        *lines, self._received = self._received.split(b"\n")
        return [line.decode() for line in lines]

    def _do(self, task_id: str) -> None:
        kills_before = memory_kills()
        arguments = (task_id, self.queue, self.name, os.getpid(), self._writing)
        process = multiprocessing.get_context("fork").Process(target=_work, args=arguments)
        get_engine().dispose()  # as in OwnWorker
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # a stop in between would reach neither of the two
        try:
            if self._stopping:
                return
            process.start()
            self._work_pid = process.pid or 0
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        watch = Watch(task_id, f"{self.name}:{process.pid}")
        while not wait([process.sentinel], WATCH_EVERY_S) and process.is_alive():
            if reason := watch.reason_to_kill():
                log.warning("Killing work process %s: %s", watch.owner, reason)
                signal_group(self._work_pid, signal.SIGKILL)
            if os.getppid() != self._parent_pid and not self._stopping:
                self.stop()
        process.join()
        with contextlib.suppress(OSError):
            os.killpg(self._work_pid, signal.SIGKILL)  # helpers that outlived it
        self._work_pid = 0
        code = process.exitcode or 0
        cause = cause_of_death(-code if code < 0 else code << 8, kills_before)
        try:
            after_death(task_id, watch.owner, "stopped" if self._stopping else cause)
        except Exception:  # the database does not respond, or the row was deleted
            log.exception("The lease of %s could not be freed.", watch.owner)


def _work(task_id: str, queue: str, name: str, worker_pid: int, writing: int) -> None:
    """In the work process: end with the worker, write to the task's log, do the task."""
    shutdown = run.shutdown_on_sigterm()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    die_with_parent(worker_pid)
    os.setpgrp()
    wake_with(queue, lambda other: not shutdown.is_set() and _send(writing, other))
    write_to(log_path(task_id), queue)
    run.execute(task_id, f"{name}:{os.getpid()}", shutdown=shutdown)


def _recover(queue: str) -> None:
    """Free what dead workers held, and take what has no worker."""
    from worker.reconcile import reconcile

    try:
        reconcile(own=queue)
    except Exception:
        log.exception("A look for interrupted tasks failed.")


def _send(writing: int, task_id: str) -> bool:
    try:
        os.write(writing, f"{task_id}\n".encode())
    except OSError:
        return False
    return True


def _write_to_service_log(queue: str) -> None:
    """Nothing of this process reaches the command's terminal."""
    with service_log(f"worker-{queue}").open("a") as stream, open(os.devnull) as nothing:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(nothing.fileno(), 0)
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    logs.configure(f"worker-{queue}")
