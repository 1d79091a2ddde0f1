"""Cancel, pause, resume, stop and keep, retry, and one task after another, with real workers."""

from __future__ import annotations

import pytest

from core.platform.tasks import store
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, is_gone, registrations, wait_state, wait_steps


def test_cancel(studio: Studio, studio_env) -> None:
    studio.worker()
    task_id = counting.start(until=500)
    wait_steps(studio_env, task_id, 3)
    tasks.request(task_id, "cancel")
    wait_state(task_id, "cancelled")
    assert registrations(task_id) == []


def test_cancel_of_work_that_does_not_listen_ends_with_a_kill(studio: Studio, studio_env) -> None:
    studio.worker()
    task_id = counting.start(until=500, deaf=True)
    wait_steps(studio_env, task_id, 3)
    deaf = horse_of(task_id)
    tasks.request(task_id, "cancel")
    wait_state(task_id, "cancelled")
    wait_until(lambda: is_gone(deaf), LIMIT_S, "the kill")
    assert store.get(task_id).error == {}


def test_pause_and_resume(studio: Studio, studio_env) -> None:
    studio.worker()
    task_id = counting.start(until=40)
    wait_steps(studio_env, task_id, 3)
    tasks.request(task_id, "pause")
    wait_state(task_id, "paused")
    done = len(counting.steps(studio_env, task_id))
    assert done < 40
    assert store.get(task_id).lease_owner is None
    tasks.request(task_id, "resume")
    wait_state(task_id, "succeeded")
    assert [count for count, _ in counting.steps(studio_env, task_id)] == list(range(1, 41))


def test_stop_and_keep(studio: Studio, studio_env) -> None:
    studio.worker()
    task_id = counting.start(until=500)
    wait_steps(studio_env, task_id, 3)
    tasks.request(task_id, "stop")
    ended = wait_state(task_id, "succeeded")
    assert ended.reason == "stopped_early"
    assert registrations(task_id) == [f"registered {ended.result['count']}"]


@pytest.mark.parametrize("queue", ["cpu", "gpu"])
def test_retry_after_a_failure(studio: Studio, studio_env, queue: str) -> None:
    studio.worker(queue)
    task_id = counting.start(until=6, fail_at=3, queue=queue)
    failed = wait_state(task_id, "failed")
    assert failed.error["message"] == "Line 3: the count is wrong."
    assert "Traceback" in "\n".join(tasks.log_tail(task_id))
    tasks.request(task_id, "retry")
    wait_until(lambda: store.get(task_id).state == "succeeded", LIMIT_S, "the second attempt")
    assert store.get(task_id).attempt == 2
    assert [count for count, _ in counting.steps(studio_env, task_id)] == [1, 2, 3, 4, 5, 6]


def test_one_after_another(studio: Studio, studio_env) -> None:
    studio.worker()
    studio.worker()
    first = counting.start(until=10)
    second = counting.start(until=2, after=first)
    assert tasks.waiting_reason(store.get(second)) == "Waits for “Count to 10”."
    wait_state(second, "succeeded")
    assert store.get(first).state == "succeeded"
    assert (store.get(second).started_at or 0) >= (store.get(first).finished_at or 0)


def test_a_failure_reaches_what_waits_for_it(studio: Studio, studio_env) -> None:
    studio.worker()
    first = counting.start(until=10, fail_at=1)
    second = counting.start(until=2, after=first)
    failed = wait_state(second, "failed")
    assert failed.reason == "data"
    assert "Line 3: the count is wrong." in failed.error["message"]
    tasks.request(second, "retry")
    wait_until(lambda: store.get(second).state == "succeeded", LIMIT_S, "both, after one retry")
    assert store.get(first).attempt == 2
