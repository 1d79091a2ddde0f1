"""Real worker processes for integration tests, with leases of seconds instead of a minute."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import wait_until

QUICK = {"SFT_LEASE_S": "5", "SFT_RENEW_S": "0.3", "SFT_RECONCILE_S": "0.5", "SFT_CANCEL_GRACE_S": "1"}
LIMIT_S = 120.0


class Studio:
    """Workers and a reconciler as processes; everything that was started is ended by `close`."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def worker(self, queue: str = "cpu") -> subprocess.Popen[bytes]:
        """Start a worker that knows the counting handler."""
        return self._start("tests.support.counting", queue)

    def reconciler(self) -> subprocess.Popen[bytes]:
        return self._start("worker.reconcile")

    def _start(self, *module: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        families = [member for process in self.processes for member in family(process.pid)]
        for member in families:
            try:
                member.send_signal(signal.SIGCONT)
                member.kill()
            except psutil.Error:
                pass
        for process in self.processes:
            process.wait(60)


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def horse_of(task_id: str) -> int:
    """The pid of the process that works on a task now."""
    owner = store.get(task_id).lease_owner
    assert owner is not None
    return int(owner.rpartition(":")[2])


def wait_steps(folder, task_id: str, at_least: int) -> None:
    """Wait until a counting task has counted so far, while it is being worked on."""
    wait_until(
        lambda: len(counting.steps(folder, task_id)) >= at_least and store.get(task_id).lease_owner is not None,
        LIMIT_S,
        f"{at_least} steps of {store.get(task_id)}",
    )


def wait_state(task_id: str, state: str) -> TaskRecord:
    """Wait for a state; fails at once when the task ends in another."""

    def there() -> bool:
        task = store.get(task_id)
        assert task.state == state or not task.is_terminal, (task, tasks.log_tail(task_id))
        return task.state == state

    wait_until(there, LIMIT_S, f"{state}; it is {store.get(task_id)}")
    return store.get(task_id)


def registrations(task_id: str) -> list[str]:
    """What finishing transactions wrote: a task that finished once has one."""
    return [event.message for event in tasks.events(task_id) if event.message.startswith("registered")]


def is_gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody has waited for counts as ended)."""
    try:
        os.kill(pid, 0)
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return True
