"""Two real worker processes and one task, on SQLite and PostgreSQL: one works, and a frozen one can write nothing."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, registrations, wait_state, wait_steps


@pytest.fixture
def everywhere(database: str, studio: Studio) -> Studio:
    """The studio on each database."""
    return studio


def test_of_two_workers_one_works_on_a_task(everywhere: Studio, studio_env) -> None:
    task_id = counting.start(until=10)
    for _ in range(5):
        announce(task_id)  # six messages for one task, as a reconciler and a retry may make
    everywhere.worker()
    everywhere.worker()
    ended = wait_state(task_id, "succeeded")
    assert ended.lease_epoch == 1
    assert [count for count, _ in counting.steps(studio_env, task_id)] == list(range(1, 11))
    assert len({pid for _, pid in counting.steps(studio_env, task_id)}) == 1
    assert registrations(task_id) == ["registered 10"]


def test_two_workers_share_many_tasks_and_do_each_once(everywhere: Studio, studio_env) -> None:
    ids = [counting.start(until=2, step_s=0.01) for _ in range(8)]
    for task_id in ids:
        announce(task_id)
    everywhere.worker()
    everywhere.worker()
    for task_id in ids:
        assert wait_state(task_id, "succeeded").lease_epoch == 1
        assert registrations(task_id) == ["registered 2"]


def test_a_worker_frozen_past_its_lease_can_write_nothing(everywhere: Studio, studio_env) -> None:
    task_id = counting.start(until=20)
    loser = subprocess.Popen(
        [sys.executable, "-m", "tests.support.loser", task_id], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert loser.stdout is not None
    assert loser.stdin is not None
    assert loser.stdout.readline() == "held\n"
    os.kill(loser.pid, signal.SIGSTOP)
    everywhere.reconciler()
    everywhere.worker()
    wait_steps(studio_env, task_id, 3)
    os.kill(loser.pid, signal.SIGCONT)  # wakes while the other one works
    loser.stdin.write("\n")
    loser.stdin.flush()
    said = json.loads(loser.stdout.readline())
    loser.wait(60)
    assert said["refused"] == said["tried"]
    ended = wait_state(task_id, "succeeded")
    assert ended.result == {"schema_version": 1, "count": 20}
    assert "written by the loser" not in [event.message for event in tasks.events(task_id)]


def test_a_frozen_work_process_is_replaced_and_ends_without_a_trace(everywhere: Studio, studio_env) -> None:
    """The same with the real thing: worker and work process freeze together, as on a machine that sleeps."""
    first = everywhere.worker()
    everywhere.reconciler()
    task_id = counting.start(until=40)
    wait_steps(studio_env, task_id, 3)
    frozen = horse_of(task_id)
    os.kill(first.pid, signal.SIGSTOP)
    _freeze_between_writes(frozen, studio_env / "studio.db")
    everywhere.worker()
    wait_until(lambda: store.get(task_id).lease_epoch == 2, LIMIT_S, "the second worker")
    os.kill(frozen, signal.SIGCONT)
    os.kill(first.pid, signal.SIGCONT)
    ended = wait_state(task_id, "succeeded")
    assert ended.lease_epoch == 2
    assert registrations(task_id) == ["registered 40"]
    wait_until(lambda: "taken over by another worker" in "\n".join(tasks.log_tail(task_id)), LIMIT_S, "the loser's end")


def _freeze_between_writes(pid: int, database: Path) -> None:
    """Freeze a process that holds no lock on the SQLite file: with one, nobody could ever take its task over."""
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        with closing(sqlite3.connect(database, timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                return
            except sqlite3.OperationalError:
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.02)
    pytest.fail("The process held a lock each time it was frozen.")
