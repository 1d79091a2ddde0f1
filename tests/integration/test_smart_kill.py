"""A smart run in real worker processes: kill -9 in the middle asks no finished row again, and hurts nobody else."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from core.platform.tasks import commands, store
from core.services.data import datasets, smart
from core.services.platform import tasks
from tests.support import smart as helper
from tests.support.llm_server import LlmServer, Paced, Reply, Request, llm_server, proper
from tests.support.servers import wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, wait_state

ROWS, AT_ONCE = 24, 3


def slow(request: Request) -> Reply:
    reply = proper(request)
    reply.wait_s = 0.3
    return reply


def begin(server: LlmServer) -> str:
    connection = helper.connect(server.url, prices={"*": {"input": 1000, "output": 1000}})
    return helper.begin(helper.things(ROWS), helper.recipe(connection, concurrency=AT_ONCE)).id


def asked(server: LlmServer) -> Counter[str]:
    return Counter(request.row["name"] for request in server.chats)


def finished(task_id: str) -> set[str]:
    """Names of the rows that were committed."""
    return {f"Thing {row.position + 1}" for row in smart.rows(task_id, limit=ROWS)}


def wait_rows(task_id: str, at_least: int) -> None:
    wait_until(
        lambda: smart.progress(task_id).done >= at_least and store.get(task_id).lease_owner is not None,
        LIMIT_S,
        f"{at_least} rows of {store.get(task_id)}",
    )


def test_a_killed_run_asks_no_finished_row_again(studio: Studio, studio_env: Path) -> None:
    studio.worker("io")
    pace = Paced(proper, LIMIT_S)
    with llm_server(pace) as server:
        task_id = begin(server)
        settled: dict[str, int] = {}
        for at_least in (4, 12):
            pace.allow(len(server.chats) + 8)
            wait_rows(task_id, at_least)
            horse = horse_of(task_id)
            os.kill(horse, signal.SIGKILL)
            wait_until(lambda horse=horse: not _works(task_id, horse), LIMIT_S, "the end of the killed process")
            before = asked(server)
            settled |= {name: before[name] for name in finished(task_id) if name not in settled}
        pace.allow()
        ended = wait_state(task_id, "succeeded")
        counts = asked(server)
    assert {name: counts[name] for name in settled} == settled  # what had an end was never asked again
    again = [name for name, count in counts.items() if count > 1]
    assert len(again) <= 2 * AT_ONCE  # only answers that were under way at a kill
    told = smart.progress(task_id)
    assert (told.done, told.ok) == (ROWS, ROWS)
    assert told.cost_usd == pytest.approx(ROWS * 0.12)
    assert datasets.get_dataset(ended.result["dataset_id"]).version.examples == ROWS
    assert store.get(task_id).crashes == 0  # every committed row is progress


def test_a_worker_told_to_stop_commits_what_it_paid_for(studio: Studio, studio_env: Path) -> None:
    worker = studio.worker("io")
    studio.reconciler()
    with llm_server(slow) as server:
        task_id = begin(server)
        wait_rows(task_id, 5)
        worker.terminate()
        worker.wait(30)
        assert store.get(task_id).lease_owner is None
        assert set(asked(server)) == finished(task_id)  # answers under way were waited for
        studio.worker("io")
        wait_state(task_id, "succeeded")
        assert set(asked(server).values()) == {1}


@pytest.mark.slow
def test_a_frozen_run_can_write_nothing_any_more(studio: Studio, studio_env: Path) -> None:
    """Its lease runs out; another worker goes on; when it thaws, its answers are refused by the fence."""
    first = studio.worker("io")
    with llm_server(slow) as server:
        task_id = begin(server)
        wait_rows(task_id, 4)
        horse = horse_of(task_id)
        for pid in (first.pid, horse):
            os.kill(pid, signal.SIGSTOP)
        studio.reconciler()
        wait_until(lambda: store.get(task_id).lease_owner is None, LIMIT_S, "the end of the lease")
        studio.worker("io")
        wait_rows(task_id, 12)
        for pid in (first.pid, horse):
            os.kill(pid, signal.SIGCONT)
        wait_state(task_id, "succeeded")
    positions = [row.position for row in smart.rows(task_id, limit=100)]
    assert positions == list(range(ROWS))
    assert len(tasks.list_tasks(kind="smart")) == 1


def test_a_cancel_ends_calls_that_hang(studio: Studio, studio_env: Path) -> None:
    studio.worker("io")

    def hangs(request: Request) -> Reply:
        reply = proper(request)
        reply.wait_s = 0.0 if request.number <= 3 else 30.0
        return reply

    with llm_server(hangs) as server:
        task_id = begin(server)
        wait_rows(task_id, 3)
        commands.request(task_id, "cancel")
        wait_state(task_id, "cancelled")
        assert smart.progress(task_id).ok == 3


def _works(task_id: str, horse: int) -> bool:
    owner = store.get(task_id).lease_owner
    return owner is not None and owner.endswith(f":{horse}")
