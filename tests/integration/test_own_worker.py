"""A command that works by itself where no studio runs: without Redis, and with every death as harmless as elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.platform.db.engine import get_engine
from core.platform.processes import Command, Service
from core.platform.tasks import store
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import wait_until
from tests.support.studio import QUICK, horse_of, is_gone, registrations, wait_steps

LIMIT_S = 180.0
# A command as those of `sft`: it prints the id of its task, and waits for it.
PROGRAM = """
import sys
from core.cli._support.boundary import run_guarded, say
from core.cli._support.waiting import wait_succeeded
from core.platform import supervisor
from tests.support import counting

def with_counting(*words):
    module = "tests.support.counting" if words[0] == "worker" else words[0]
    return lambda: [sys.executable, "-m", module, *words[1:]]

supervisor._module = with_counting  # where it starts a worker as `sft up` does

def command():
    with supervisor.ensure({"worker-cpu"}, say):
        until, die_at, key = (*sys.argv[1:], "", "", "")[:3]
        task_id = counting.begin(until=int(until), die_at=int(die_at) if die_at else None, key=key or None)
        print(task_id, flush=True)
        wait_succeeded(task_id)
        print("done", flush=True)

sys.exit(run_guarded(command))
"""

Start = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start the command; returns its process and the id of its task."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    running: list[subprocess.Popen[str]] = []

    def begin(*words: object) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-c", PROGRAM, *map(str, words)]
        process = started(command)
        running.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def started(command: list[str]) -> subprocess.Popen[str]:
    """The command as in a terminal: it hears Ctrl-C, also where the suite runs in the background and does not."""
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def worker_of(task_id: str) -> int:
    """The pid of the worker above the process that works on a task."""
    owner = store.get(task_id).lease_owner
    assert owner is not None
    return int(owner.rpartition(":")[0].split("-")[-2])


def ended(process: subprocess.Popen[str]) -> str:
    """What a command that succeeded said."""
    out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, err
    assert out.endswith("done\n")
    assert "Traceback" not in err
    return err


def test_a_task_needs_no_redis_and_leaves_nothing(start: Start, studio_env: Path) -> None:
    process, task_id = start(5)
    said = ended(process)
    assert "starting a worker" in said
    assert store.get(task_id).state == "succeeded"
    assert not (studio_env / "redis").exists()
    assert tasks.workers() == []
    assert Service(Command("worker-cpu", list), print).claim(), "the lock is free again"


def test_a_killed_work_process_is_replaced(start: Start, studio_env: Path) -> None:
    process, task_id = start(40)
    wait_steps(studio_env, task_id, 5)
    worker, work = worker_of(task_id), horse_of(task_id)
    os.kill(work, signal.SIGKILL)
    ended(process)
    assert store.get(task_id).crashes == 0, "reset by the progress after it"
    assert len(registrations(task_id)) == 1
    pids = {pid for _, pid in counting.steps(studio_env, task_id)}
    assert len(pids) == 2
    assert is_gone(worker)


def test_a_work_process_that_always_dies_fails_with_the_cause(start: Start) -> None:
    process, task_id = start(40, 0)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "Its process was killed. This happened 3 times in a row" in said
    assert store.get(task_id).state == "failed"


def test_a_killed_worker_is_replaced(start: Start, studio_env: Path) -> None:
    process, task_id = start(60)
    wait_steps(studio_env, task_id, 5)
    worker, work = worker_of(task_id), horse_of(task_id)
    os.kill(worker, signal.SIGKILL)
    assert "worker-cpu ended (exit -9); restarting it" in ended(process)
    assert is_gone(work)
    assert len(registrations(task_id)) == 1


def test_ctrl_c_saves_and_releases(start: Start, studio_env: Path) -> None:
    process, task_id = start(2_000)
    wait_steps(studio_env, task_id, 5)
    worker, work = worker_of(task_id), horse_of(task_id)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "The task is saved and continues when a worker runs again" in said
    assert is_gone(worker)
    assert is_gone(work)
    released = store.get(task_id)
    assert (released.lease_owner, released.crashes, released.is_terminal) == (None, 0, False)


def test_nothing_outlives_a_killed_command(start: Start, studio_env: Path) -> None:
    process, task_id = start(2_000)
    wait_steps(studio_env, task_id, 5)
    worker, work = worker_of(task_id), horse_of(task_id)
    process.kill()
    wait_until(lambda: is_gone(worker) and is_gone(work), LIMIT_S, "the end of both")
    assert store.get(task_id).lease_owner is None, "saved and released"
    assert Service(Command("worker-cpu", list), print).claim(), "the lock is free again"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_same_command_again_continues_what_was_interrupted(start: Start, studio_env: Path, number: int) -> None:
    """An edit or a mix finds its task by a key: nobody announces that one again."""
    process, task_id = start(60, "", "the same")
    wait_steps(studio_env, task_id, 5)
    worker, work = worker_of(task_id), horse_of(task_id)
    process.send_signal(number)
    process.communicate(timeout=LIMIT_S)
    wait_until(lambda: is_gone(worker) and is_gone(work), LIMIT_S, "the end of both")
    again, same = start(60, "", "the same")
    assert same == task_id
    ended(again)
    assert len(registrations(task_id)) == 1
    assert len({pid for _, pid in counting.steps(studio_env, task_id)}) == 2


def test_what_died_with_its_worker_is_freed_by_the_next_command(start: Start, studio_env: Path) -> None:
    """All three at once: nobody was left to free the lease."""
    process, task_id = start(60, "", "the same")
    wait_steps(studio_env, task_id, 5)
    worker, work = worker_of(task_id), horse_of(task_id)
    for pid in (worker, work, process.pid):
        os.kill(pid, signal.SIGSTOP)
    for pid in (process.pid, worker, work):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=LIMIT_S)
    assert store.get(task_id).lease_owner is not None
    ended(start(60, "", "the same")[0])
    assert store.get(task_id).state == "succeeded"
    assert len(registrations(task_id)) == 1


def test_what_was_saved_at_the_end_of_a_killed_command_is_kept(start: Start, studio_env: Path) -> None:
    """Another command that opens and closes the database meanwhile takes nothing away."""
    process, task_id = start(2_000)
    wait_steps(studio_env, task_id, 5)
    worker = worker_of(task_id)
    os.kill(worker, signal.SIGSTOP)  # the work process goes on
    get_engine().dispose()  # this process counts as a user of the database too
    process.kill()
    process.communicate(timeout=LIMIT_S)
    look = [sys.executable, "-m", "core.cli", "datasets"]
    assert subprocess.run(look, capture_output=True, check=False).returncode == 0
    os.kill(worker, signal.SIGCONT)
    wait_until(lambda: is_gone(worker), LIMIT_S, "the end of the worker")
    assert store.get(task_id).lease_owner is None, "saved and released"


def test_a_large_conversion_is_released_by_ctrl_c(studio_env: Path, tmp_path: Path) -> None:
    """Its work process waits for helpers that read the file: they must not die before it has saved."""
    table = tmp_path / "large.csv"
    with table.open("w") as stream:
        stream.write("question,answer\n")
        stream.writelines(
            f"What is item {at} of the list?,It is item {at} with its own text.\n" for at in range(600_000)
        )
    command = [sys.executable, "-m", "core.cli", "convert", str(table), "--name", "large"]
    command += ["--template", "qa", "--input", "question", "--target", "answer"]
    process = started(command)
    wait_until(lambda: any(task.progress > 1 for task in store.find(kind="conversion")), LIMIT_S, "the conversion")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)
    (task,) = store.find(kind="conversion")
    assert process.returncode == 130, said
    assert "The task is saved and continues" in said
    assert (task.state, task.lease_owner, task.crashes) == ("running", None, 0), task.error


def test_a_cancel_ends_it(start: Start, studio_env: Path) -> None:
    process, task_id = start(2_000)
    wait_steps(studio_env, task_id, 5)
    tasks.request(task_id, "cancel")
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert store.get(task_id).state == "cancelled", said


def test_two_commands_at_once(start: Start, studio_env: Path) -> None:
    """The second finds the lock taken: it starts Redis, and a worker as soon as the first has ended."""
    first, one = start(60)
    wait_steps(studio_env, one, 2)
    second, two = start(5)
    said = tasks.waiting_reason(store.get(two))
    assert said == "a command works on another task; the data worker starts when it ends."
    ended(first)
    assert said.rstrip(".") in ended(second)
    assert {store.get(one).state, store.get(two).state} == {"succeeded"}
    assert len(registrations(two)) == 1
