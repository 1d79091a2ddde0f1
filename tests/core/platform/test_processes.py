"""Services: restarted when they end, one per data directory, gone with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from core.platform import processes
from core.platform.processes import Command, Service, is_alive, note_of, stop_all
from tests.support.servers import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True); time.sleep(600)",
]


@pytest.fixture
def services(studio_env) -> Iterator[list[Service]]:
    made: list[Service] = []
    yield made
    stop_all(made)


def service(services: list[Service], argv: list[str], name: str = "sleeper", **options: float) -> Service:
    said: list[str] = []
    made = Service(Command(name, lambda: argv, **options), said.append)
    made.said = said
    services.append(made)
    return made


def pid_of(made: Service) -> int:
    assert made.process is not None
    return made.process.pid


def test_a_service_that_ended_is_restarted_with_a_message(services, monkeypatch) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE_S", 0.01)
    made = service(services, SLEEP)
    made.tick()
    first = pid_of(made)
    os.kill(first, signal.SIGKILL)

    def restarted() -> bool:
        made.tick()
        return made.is_running and pid_of(made) != first

    wait_until(restarted, 10, "a restart")
    assert "restarting it" in made.said[0]


def test_pauses_grow(services, monkeypatch) -> None:
    made = service(services, ["false"])
    pauses = []
    for _ in range(4):
        made._start_at = 0.0
        made.tick()
        assert made.process is not None
        made.process.wait()
        made.tick()
        pauses.append(made._start_at - time.monotonic())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]


def test_one_per_data_directory(services) -> None:
    first, second = service(services, SLEEP), service(services, SLEEP)
    assert first.claim("http://here")
    assert note_of("sleeper") == "http://here"
    second.tick()
    assert second.process is None
    first.tick()
    stop_all([first])
    assert note_of("sleeper") is None
    second.tick()
    assert second.is_running


def test_the_lock_is_held_until_the_process_has_ended(services) -> None:
    """A supervisor that was killed leaves a Redis that is still closing: no second one may start beside it."""
    first = service(services, DEAF)
    first.tick()
    assert first._lock is not None
    os.close(first._lock)
    first._lock = None
    assert note_of("sleeper") is not None
    os.kill(pid_of(first), signal.SIGKILL)
    assert first.process is not None
    first.process.wait()
    # The deaf one's own child inherited the lock's file only if it was passed on: it was not.
    wait_until(lambda: note_of("sleeper") is None, 5, "the lock to be free")


def test_processes_that_ignore_a_stop_are_killed_with_their_children(services) -> None:
    made = service(services, DEAF, stop_s=0.2)
    made.tick()
    log = processes.service_log("sleeper")
    wait_until(lambda: log.read_text().strip().isdigit(), 10, "the child")
    child = int(log.read_text())
    stop_all([made])
    wait_until(lambda: not is_alive(child), 5, "the child's end")


def test_the_output_of_a_running_service_is_limited_in_size(services, monkeypatch) -> None:
    monkeypatch.setattr(processes, "LARGEST_LOG_BYTES", 1_000)
    code = "import time\nfor n in range(10_000): print(n, 'x' * 100, flush=True); time.sleep(0.001)\ntime.sleep(600)"
    made = service(services, [sys.executable, "-c", code])
    log = processes.service_log("sleeper")

    def rotated() -> bool:
        made.tick()
        return log.with_suffix(".log.1").exists()

    wait_until(rotated, 20, "a second file")
    after = log.stat().st_size
    wait_until(lambda: log.stat().st_size > after, 20, "further lines in the same file")
    assert made.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_child_ends_with_its_parent_even_when_that_was_killed(tmp_path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "from core.platform.processes import die_with_parent\n"
        "me = os.getpid()\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " preexec_fn=lambda: die_with_parent(me))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(child) or _is_zombie(child), 5, "the child's end")


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
