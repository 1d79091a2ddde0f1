"""A worker that hangs with its work: it exists, holds its queue, and does nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from core.platform import supervisor
from core.platform.processes import Service, stop_all
from core.platform.tasks import owners, store
from core.platform.tasks.lease import acquire
from tests.support import counting
from tests.support.servers import wait_until
from tests.support.studio import QUICK, family, horse_of, wait_state, wait_steps

LIMIT_S = 90.0


@pytest.fixture
def supervised(real_redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Service]]:
    """The worker of the cpu queue and the reconciler as `sft up` runs them, with leases of seconds."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(supervisor, "SILENT_S", 20.0, raising=False)
    monkeypatch.setattr(supervisor, "_module", lambda *words: _with_counting(*words))
    said: list[str] = []
    services = [
        Service(command, said.append)
        for command in supervisor.commands(["worker"])
        if command.name in ("worker-cpu", "reconciler")
    ]
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            for service in services:
                service.tick()
            stop.wait(0.1)
        stop_all(services)

    keeper = threading.Thread(target=keep)
    keeper.start()
    yield services
    stop.set()
    for service in services:
        for member in family(service.process.pid) if service.process else []:
            member.send_signal(signal.SIGCONT)
    keeper.join()


def _with_counting(*words: str):
    """The command of a service; workers know the counting handler."""
    module = "tests.support.counting" if words[0] == "worker" else words[0]
    return lambda: [sys.executable, "-m", module, *words[1:]]


def pid_of(services: list[Service], name: str) -> int:
    found = next(service for service in services if service.command.name == name)
    return found.process.pid if found.process is not None else 0


def freeze(pid: int) -> None:
    for member in family(pid):
        member.suspend()


@pytest.mark.slow
def test_a_worker_that_hangs_with_its_work_is_replaced(supervised: list[Service], studio_env) -> None:
    task_id = counting.start(until=60)
    wait_steps(studio_env, task_id, 5)
    frozen, work = pid_of(supervised, "worker-cpu"), horse_of(task_id)
    freeze(frozen)
    wait_until(lambda: pid_of(supervised, "worker-cpu") not in (0, frozen), LIMIT_S, "a worker in its place")
    assert not psutil.pid_exists(work) or psutil.Process(work).status() == psutil.STATUS_ZOMBIE
    ended = wait_state(task_id, "succeeded")
    assert ended.lease_epoch == 2
    counts = [count for count, _ in counting.steps(studio_env, task_id)]
    assert sorted(set(counts)) == list(range(1, 61))


@pytest.mark.slow
def test_a_reconciler_that_hangs_is_replaced(supervised: list[Service]) -> None:
    wait_until(lambda: pid_of(supervised, "reconciler") != 0, LIMIT_S, "the reconciler")
    frozen = pid_of(supervised, "reconciler")
    freeze(frozen)
    wait_until(lambda: pid_of(supervised, "reconciler") not in (0, frozen), LIMIT_S, "a reconciler in its place")


@pytest.mark.slow
def test_a_worker_that_hangs_above_its_work_is_not_replaced_before_the_work_ends(
    supervised: list[Service], studio_env
) -> None:
    """The work goes on, renews its lease and ends; what hangs is replaced then, and takes the next task."""
    task_id = counting.start(until=40, step_s=0.7)
    wait_steps(studio_env, task_id, 1)
    frozen, work = pid_of(supervised, "worker-cpu"), horse_of(task_id)
    os.kill(frozen, signal.SIGSTOP)
    assert wait_state(task_id, "succeeded").lease_epoch == 1
    assert {pid for _, pid in counting.steps(studio_env, task_id)} == {work}
    following = counting.start(until=3)
    assert wait_state(following, "succeeded")
    assert pid_of(supervised, "worker-cpu") != frozen


def test_a_lease_is_held_until_it_expires(database: str) -> None:

    lease = acquire(counting.start(until=1), f"{owners.worker_name('cpu')}:999")
    assert lease is not None
    assert owners.holds_lease(os.getpid())
    assert not owners.holds_lease(os.getppid())
    lease.write(lease_owner=lease.owner)
    lease.allowance_s = 0.0
    lease.renew()
    time.sleep(0.05)
    assert not owners.holds_lease(os.getpid())
    assert store.get(lease.task_id).lease_owner == lease.owner
