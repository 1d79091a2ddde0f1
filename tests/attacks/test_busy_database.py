"""A database that another program locks, or that restarts under the work (busy SQLite, PostgreSQL restarted)."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core.cli._support import waiting
from core.errors import StudioError
from core.platform.db import engine, migrate
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import Cluster, postgres_cluster, wait_until
from worker import run
from worker.inference.app import make_app

TRY_MS = 100  # SQLite's own waiting, so that a test need not last longer than the real 15 s


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", TRY_MS)


@pytest.fixture
def cluster(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The studio on a PostgreSQL server that the test may stop."""
    with postgres_cluster() as server:
        monkeypatch.setenv("DATABASE_URL", server.url.format(name="postgres"))
        migrate.upgrade()
        yield server
        engine.get_engine().dispose()


def locked_for(folder: Path, seconds: float) -> threading.Thread:
    """Another program that holds the write lock; returns once it holds it."""
    held = threading.Event()

    def hold() -> None:
        connection = sqlite3.connect(folder / "studio.db", timeout=30, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(seconds)
        connection.execute("ROLLBACK")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(120)
    return thread


def while_it_works(task_id: str, folder: Path, disturb: Callable[[], None]) -> None:
    """Work on a counting task here, and disturb it from a thread once it has counted to 3."""

    def wait_and_disturb() -> None:
        wait_until(lambda: len(counting.steps(folder, task_id)) >= 3, 60, "three steps")
        disturb()

    thread = threading.Thread(target=wait_and_disturb)
    thread.start()
    run.execute(task_id, "w:1")
    thread.join()


def a_task(**payload: object) -> str:
    with UnitOfWork() as uow:
        task, _ = store.create(uow, kind="counting", title="Count", payload=payload)
        uow.commit()
    return task.id


def counts(folder: Path, task_id: str) -> list[int]:
    return [count for count, _ in counting.steps(folder, task_id)]


def test_work_waits_for_a_lock_that_is_shorter_than_its_lease(studio_env: Path, impatient: None) -> None:
    task_id = a_task(until=20, step_s=0.02)
    while_it_works(task_id, studio_env, lambda: locked_for(studio_env, 1.5).join())
    task = store.get(task_id)
    assert (task.state, task.crashes, task.error) == ("succeeded", 0, {})
    assert counts(studio_env, task_id) == list(range(1, 21))


def test_a_wait_for_the_database_is_not_mistaken_for_a_slow_step(
    studio_env: Path, impatient: None, monkeypatch
) -> None:
    """Otherwise a hang would be noticed three times as late from then on."""
    monkeypatch.setenv("SFT_LEASE_S", "5")
    monkeypatch.setenv("SFT_RENEW_S", "1")
    task_id = a_task(until=150, step_s=0.02)
    while_it_works(task_id, studio_env, lambda: locked_for(studio_env, 3.0).join())
    task = store.get(task_id)
    assert task.state == "succeeded"
    assert task.lease_allowance_s == 5.0


def test_a_lock_longer_than_the_lease_leaves_the_task_to_the_next_worker(
    studio_env: Path, impatient: None, monkeypatch
) -> None:
    monkeypatch.setenv("SFT_LEASE_S", "5")
    monkeypatch.setenv("SFT_RENEW_S", "1")
    task_id = a_task(until=20, step_s=0.02)
    while_it_works(task_id, studio_env, lambda: locked_for(studio_env, 7.0).join())
    task = store.get(task_id)
    assert (task.state, task.lease_owner, task.crashes) == ("running", None, 1)
    assert any("The database did not respond." in event.message for event in tasks.events(task_id))
    run.execute(task_id, "w:2")
    assert store.get(task_id).state == "succeeded"
    assert counts(studio_env, task_id) == list(range(1, 21))


def test_a_person_reads_that_the_database_is_busy(studio_env: Path, impatient: None) -> None:
    task_id = a_task(until=1)
    holder = locked_for(studio_env, 1.0)
    with pytest.raises(StudioError, match=r"database is busy") as refused:
        tasks.request(task_id, "cancel")
    assert refused.value.remedy
    holder.join()
    assert store.get(task_id).state == "pending"


@pytest.mark.postgres
def test_work_and_a_command_line_outlast_a_restart_of_postgresql(cluster: Cluster, studio_env: Path, capsys) -> None:
    task_id = a_task(until=30, step_s=0.05)
    followed: list[str] = []
    follower = threading.Thread(target=lambda: followed.append(waiting.wait_for(task_id).state))
    follower.start()

    def restart() -> None:
        cluster.stop()
        time.sleep(2)
        cluster.start()

    while_it_works(task_id, studio_env, restart)
    follower.join(240)
    assert followed == ["succeeded"]
    task = store.get(task_id)
    assert (task.crashes, task.error) == (0, {})
    assert counts(studio_env, task_id) == list(range(1, 31))


@pytest.mark.postgres
def test_a_command_line_goes_on_polling_while_postgresql_is_away(cluster: Cluster, studio_env: Path, capsys) -> None:
    task_id = a_task(until=1, step_s=0)
    followed: list[str] = []
    follower = threading.Thread(target=lambda: followed.append(waiting.wait_for(task_id).state))
    cluster.stop()
    follower.start()
    time.sleep(1)
    cluster.start()
    wait_until(lambda: migrated(task_id), 30, "PostgreSQL")
    run.execute(task_id, "w:1")
    follower.join(240)
    assert followed == ["succeeded"]
    shown = capsys.readouterr().err
    assert "The database does not respond" in shown
    assert "Traceback" not in shown


def migrated(task_id: str) -> bool:
    try:
        return bool(store.get(task_id))
    except StudioError:
        return False


@pytest.mark.postgres
def test_a_write_whose_connection_is_lost_is_made_once(postgres_env: str, studio_env: Path) -> None:
    """The second attempt writes; nothing of the first one is left."""
    task_id = a_task(until=1)
    lease = acquire(task_id, "w:1")
    assert lease is not None
    attempts = []

    def change(uow: UnitOfWork) -> None:
        attempts.append(1)
        store.event(uow, task_id, "data", "written")
        if len(attempts) == 1:
            uow.session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    from core.platform.db.patience import patient

    with patient(10):
        TaskContext(lease).write(change)
    assert len(attempts) == 2
    assert [event.message for event in tasks.events(task_id)].count("written") == 1


@pytest.mark.postgres
def test_an_agent_is_told_to_come_back(cluster: Cluster) -> None:
    """503, which clients of the inference port repeat by themselves; 500 they do not."""
    cluster.stop()
    with TestClient(make_app(), base_url="http://127.0.0.1:8010", raise_server_exceptions=False) as client:
        refused = client.get("/v1/models")
    cluster.start()
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "database_unavailable"


@pytest.mark.postgres
def test_a_lost_connection_is_not_called_a_wrong_value(postgres_env: str) -> None:
    with pytest.raises(StudioError, match=r"database does not respond"), UnitOfWork() as uow:
        uow.session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
