"""`sft up`: everything runs, what crashes comes back, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest

from core.errors import QueueUnavailable
from core.platform import redis_server
from core.platform.db.uow import UnitOfWork
from core.platform.processes import note_of
from core.platform.supervisor import ensure
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.services.platform import tasks
from tests.support.servers import free_port, wait_until
from tests.support.studio import LIMIT_S, family, is_gone

STOP_LIMIT_S = 15.0
SFT = [sys.executable, "-m", "core.cli"]


@pytest.fixture
def ports(studio_env, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SFT_WEB_PORT", str(free_port()))
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(free_port()))
    monkeypatch.setenv("SFT_API_PORT", str(free_port()))
    yield
    shutil.rmtree(redis_server.runtime_dir(), ignore_errors=True)


@pytest.fixture
def up(ports) -> Iterator[subprocess.Popen[str]]:
    """A running studio."""
    process = subprocess.Popen([*SFT, "up"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = ""
    while "is running" not in said:
        line = process.stdout.readline()
        assert line, f"it ended: {said}"
        said += line
    yield process
    for member in family(process.pid):
        member.kill()
    process.wait()


def descendants(pid: int) -> set[int]:
    return {process.pid for process in family(pid)[1:]}


def children() -> set[int]:
    """What this process itself has started: services are its direct children."""
    return {process.pid for process in psutil.Process().children()}


def queues_served() -> set[str]:
    try:
        return {worker.queue for worker in tasks.workers()}
    except QueueUnavailable:  # Redis is starting
        return set()


def all_there() -> bool:
    ports = ("SFT_INFERENCE_PORT", "SFT_API_PORT")
    return queues_served() == {"gpu", "cpu", "io"} and all(answers(port, "/health") for port in ports)


def answers(variable: str, path: str = "/") -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{os.environ[variable]}{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_everything_runs_and_what_is_killed_comes_back(up: subprocess.Popen[str]) -> None:
    assert answers("SFT_WEB_PORT")
    wait_until(all_there, LIMIT_S, "all workers and inference")
    before = {process.pid for process in family(up.pid)[1:]}
    for process in family(up.pid)[1:]:
        process.kill()
    wait_until(lambda: not before & {process.pid for process in family(up.pid)}, LIMIT_S, "the ends")
    wait_until(lambda: redis_server.is_up() and answers("SFT_WEB_PORT") and all_there(), LIMIT_S, "the restarts")


def test_ctrl_c_leaves_nothing_even_with_work_under_way(up: subprocess.Popen[str]) -> None:
    wait_until(all_there, LIMIT_S, "all workers and inference")
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind="starter", title="Starter model", queue="gpu", payload={})
        uow.commit()
    announce(task.id)
    wait_until(lambda: store.get(task.id).progress > 0, LIMIT_S, "work under way")
    everything = [process.pid for process in family(up.pid)]
    assert len(everything) >= 8
    up.send_signal(signal.SIGINT)
    assert up.wait(STOP_LIMIT_S) == 0
    assert [pid for pid in everything if not is_gone(pid)] == []
    waiting = store.get(task.id)
    assert waiting.waits_to_resume, waiting
    assert waiting.crashes == 0


def test_a_killed_supervisor_takes_everything_with_it(up: subprocess.Popen[str]) -> None:
    wait_until(all_there, LIMIT_S, "all workers and inference")
    everything = [process.pid for process in family(up.pid)]
    up.kill()
    up.wait()
    wait_until(lambda: all(is_gone(pid) for pid in everything), STOP_LIMIT_S, "the end of all")
    assert note_of("web") is None


def test_a_second_one_names_the_first(up: subprocess.Popen[str]) -> None:
    second = subprocess.run([*SFT, "up"], capture_output=True, text=True, timeout=180, check=False)
    assert second.returncode == 0
    assert f"already running: http://127.0.0.1:{os.environ['SFT_WEB_PORT']}" in second.stdout


@pytest.mark.parametrize("variable", ["SFT_WEB_PORT", "SFT_INFERENCE_PORT", "SFT_API_PORT"])
def test_a_taken_port_is_named_with_its_variable(ports, variable: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", int(os.environ[variable])))
        taken.listen()
        refused = subprocess.run([*SFT, "up"], capture_output=True, text=True, timeout=180, check=False)
    assert refused.returncode == 1
    assert os.environ[variable] in refused.stderr
    assert variable in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_open_address_is_refused_without_sign_in(ports, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SFT_HOST", "0.0.0.0")
    refused = subprocess.run([*SFT, "up"], capture_output=True, text=True, timeout=180, check=False)
    assert refused.returncode == 1
    assert "sign-in is not configured" in refused.stderr


def test_a_cold_command_starts_what_it_needs_and_stops_it(ports) -> None:
    assert not redis_server.is_up()
    before = descendants(os.getpid())
    with ensure({"worker"}):
        assert redis_server.is_up()
        wait_until(lambda: "cpu" in queues_served(), LIMIT_S, "the worker")
        serving = descendants(os.getpid()) - before
        assert serving
        assert note_of("worker-cpu") is not None
    assert not redis_server.is_up()
    assert all(is_gone(pid) for pid in serving)


def test_a_cold_command_uses_a_studio_that_runs_and_takes_its_place(up: subprocess.Popen[str]) -> None:
    before = children()
    with ensure({"redis"}):
        assert children() == before, "nothing was started beside it"
        up.send_signal(signal.SIGTERM)
        up.wait(STOP_LIMIT_S)
        wait_until(redis_server.is_up, LIMIT_S, "a Redis in the place of the first")
    assert not redis_server.is_up()
