"""kill -9 of every process in the middle of a task: it goes on from what was saved, without a person, and ends once."""

from __future__ import annotations

import os
import signal

import pytest

from core.platform.redis_server import redis_connection
from core.platform.tasks import store
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import start_redis, wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, is_gone, registrations, wait_state, wait_steps


def assert_finished_once(folder, task_id: str, until: int) -> None:
    ended = wait_state(task_id, "succeeded")
    assert ended.result == {"schema_version": 1, "count": until}
    assert registrations(task_id) == [f"registered {until}"]
    counted = [count for count, _ in counting.steps(folder, task_id)]
    assert sorted(set(counted)) == list(range(1, until + 1))
    assert len(counted) <= until + 1  # at most the step that was under way is done again


@pytest.mark.parametrize("queue", ["cpu", "gpu"])
def test_the_work_process_is_killed(studio: Studio, studio_env, queue: str) -> None:
    studio.worker(queue)  # and no reconciler: the parent alone sees to it
    task_id = counting.start(until=30, queue=queue)
    wait_steps(studio_env, task_id, 5)
    os.kill(horse_of(task_id), signal.SIGKILL)
    assert_finished_once(studio_env, task_id, 30)
    assert [event.data["cause"] for event in tasks.events(task_id) if event.data.get("cause")] == ["killed"]


@pytest.mark.parametrize("queue", ["cpu", "gpu"])
def test_the_worker_is_killed(studio: Studio, studio_env, queue: str) -> None:
    worker = studio.worker(queue)
    studio.reconciler()
    task_id = counting.start(until=30, queue=queue)
    wait_steps(studio_env, task_id, 5)
    horse = horse_of(task_id)
    worker.kill()
    worker.wait()
    wait_until(lambda: is_gone(horse), 60, "the end of the work process that lost its parent")
    assert store.get(task_id).crashes == 0, "it had time to save and release"
    studio.worker(queue)
    assert_finished_once(studio_env, task_id, 30)


def test_worker_and_work_process_are_killed_together(studio: Studio, studio_env) -> None:
    worker = studio.worker()
    studio.reconciler()
    task_id = counting.start(until=30)
    wait_steps(studio_env, task_id, 5)
    for pid in (worker.pid, horse_of(task_id)):
        os.kill(pid, signal.SIGKILL)
    worker.wait()
    studio.worker()
    assert_finished_once(studio_env, task_id, 30)
    assert [event.data["cause"] for event in tasks.events(task_id) if event.data.get("cause")] == ["killed"]


def test_redis_is_killed_and_work_goes_on(studio: Studio, studio_env) -> None:
    studio.worker()
    studio.reconciler()
    task_id = counting.start(until=60)
    queued = counting.start(until=3)
    wait_steps(studio_env, task_id, 5)
    with redis_connection() as redis:
        server = redis.info()["process_id"]
    os.kill(server, signal.SIGKILL)
    wait_steps(studio_env, task_id, 20)  # nothing answers now, and the work does not notice
    second = start_redis()
    try:
        assert_finished_once(studio_env, task_id, 60)
        assert store.get(task_id).lease_epoch == 1
        assert_finished_once(studio_env, queued, 3)
    finally:
        second.kill()
        second.wait()


def test_redis_forgets_everything(studio: Studio, studio_env) -> None:
    task_id = counting.start(until=3)
    with redis_connection() as redis:
        redis.flushall()
    studio.reconciler()
    studio.worker()
    assert_finished_once(studio_env, task_id, 3)


def test_a_task_that_kills_its_process_every_time_is_given_up(studio: Studio, studio_env) -> None:
    studio.worker()
    task_id = counting.start(until=9, die_at=0)
    failed = wait_state(task_id, "failed")
    assert (failed.reason, failed.error["cause"], failed.lease_epoch) == ("killed", "killed", 3)
    assert "3 times in a row" in failed.error["message"]


def test_a_hang_is_noticed_and_the_worker_is_free_again(studio: Studio, studio_env) -> None:
    studio.worker()
    studio.reconciler()
    task_id = counting.start(until=3, hang_once=True)
    wait_until(lambda: store.get(task_id).lease_owner is not None, LIMIT_S, "the first worker process")
    hanging = horse_of(task_id)
    assert_finished_once(studio_env, task_id, 3)
    assert is_gone(hanging)
    assert "hung" in [event.data.get("cause") for event in tasks.events(task_id)]


@pytest.mark.parametrize("queue", ["cpu", "gpu"])
def test_a_worker_told_to_stop_saves_and_releases(studio: Studio, studio_env, queue: str) -> None:
    worker = studio.worker(queue)
    task_id = counting.start(until=2_000, queue=queue)  # longer than the wait below: it can only end by stopping
    wait_steps(studio_env, task_id, 5)
    worker.terminate()
    assert worker.wait(60) == 0
    waiting = store.get(task_id)
    assert waiting.waits_to_resume, waiting
    assert (waiting.state, waiting.crashes) == ("running", 0)
    done = len(counting.steps(studio_env, task_id))
    studio.worker(queue)
    wait_steps(studio_env, task_id, done + 3)
    assert [count for count, _ in counting.steps(studio_env, task_id)][: done + 3] == list(range(1, done + 4))
