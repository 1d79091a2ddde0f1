"""Only one function may be run, whatever lies in Redis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import rq
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from core.platform.redis_server import redis_connection
from core.services.platform import tasks
from tests.support import counting
from tests.support.servers import wait_until
from worker import queues, watching
from worker.queues import NotAllowed, TaskJob, make_worker, task_id_of


def message(func: str, args: tuple = ("task_1",), **more: object) -> TaskJob:
    return TaskJob.create(func, args=args, connection=redis_connection(), serializer=JSONSerializer, **more)


def test_a_task_is_run(studio_env) -> None:
    assert task_id_of(message("worker.run.run_task")) == "task_1"


@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    [
        ("os.system", ("touch /tmp/x",), None),
        ("worker.run.execute", ("task_1", "w"), None),
        ("worker.run.run_task", (), None),
        ("worker.run.run_task", ("a", "b"), None),
        ("worker.run.run_task", ({"id": 1},), None),
        ("worker.run.run_task", ("task_1",), {"owner": "me"}),
        ("worker.run", ("task_1",), None),
    ],
)
def test_anything_else_is_refused(studio_env, func: str, args: tuple, kwargs: dict | None) -> None:
    job = message(func, args, kwargs=kwargs)
    with pytest.raises(NotAllowed):
        task_id_of(job)
    with pytest.raises(NotAllowed):
        _ = job.func


def test_callbacks_of_a_message_are_not_run(studio_env) -> None:
    from rq.job import Callback

    job = message("worker.run.run_task", on_success=Callback("os.system"), on_failure=Callback("os.system"))
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)


def test_a_worker_removes_foreign_messages_and_goes_on(real_redis, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    with redis_connection() as redis:
        queue = Queue("sft-cpu", connection=redis, serializer=JSONSerializer)
        queue.enqueue_call("os.system", args=(f"touch {evil}",))
        pickled = Queue("sft-cpu", connection=redis)
        pickled.enqueue_call("os.system", args=(f"touch {evil}",))
        task_id = counting.start(until=1)
        make_worker("cpu").work(burst=True, logging_level="ERROR")
        assert not evil.exists()
        assert counting.store.get(task_id).state == "succeeded"
        assert queue.get_job_ids() == []
        assert list(redis.scan_iter("rq:job:*")) == []


def test_a_message_of_a_deleted_task_is_ignored(real_redis) -> None:
    with redis_connection() as redis:
        queue = Queue("sft-cpu", connection=redis, serializer=JSONSerializer)
        queue.enqueue_call("worker.run.run_task", args=("task_none",), result_ttl=0)
        task_id = counting.start(until=1)
        assert make_worker("cpu").work(burst=True, logging_level="ERROR")
        assert counting.store.get(task_id).state == "succeeded"


def test_workers_use_the_restricted_job_class(studio_env) -> None:
    assert make_worker_classes() == {TaskJob}
    assert issubclass(TaskJob, Job)


def make_worker_classes() -> set[type[Job]]:
    return {queues.ForkWorker.job_class, queues.TrainingWorker.job_class}


@pytest.mark.parametrize(
    ("status", "memory_kills", "cause"),
    [(9, 0, "killed"), (9, 1, "out_of_memory"), (15, 0, "killed"), (11, 0, "crashed"), (256, 1, "crashed")],
)
def test_the_cause_of_a_crash_is_named(monkeypatch, status: int, memory_kills: int, cause: str) -> None:
    """`status` is waitpid's: the number of a signal, or the exit code times 256."""
    monkeypatch.setattr(watching, "memory_kills", lambda: memory_kills)
    assert watching.cause_of_death(status, 0) == cause


def test_one_training_worker_per_device(real_redis) -> None:
    first = subprocess.Popen([sys.executable, "-m", "worker", "gpu"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: [worker.queue for worker in tasks.workers()] == ["gpu"], 30, "the first worker")
        second = subprocess.run(
            [sys.executable, "-m", "worker", "gpu"], capture_output=True, text=True, timeout=180, check=False
        )
        assert second.returncode == 1
        assert "Another training worker uses this device" in second.stderr
    finally:
        first.terminate()
        first.wait(60)


def test_a_worker_needs_the_name_of_a_queue(studio_env) -> None:
    refused = subprocess.run([sys.executable, "-m", "worker", "tea"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "gpu, cpu, io" in refused.stderr


def test_rq_still_has_the_names_that_we_build_on(real_redis) -> None:
    """They are private, or hooks that RQ does not document: an upgrade of RQ that renames one must not go unnoticed."""
    worker = make_worker("cpu")
    for name in ("_horse_pid", "_stop_requested", "_is_horse", "execution"):
        assert hasattr(worker, name), name
    ours = vars(queues.ForkWorker) | vars(queues.TrainingWorker) | vars(queues._Watching)
    hooks = {name for name, value in ours.items() if callable(value) and not name.startswith("_")}
    added = {name for name in hooks if not any(hasattr(base, name) for base in (rq.Worker, rq.SpawnWorker))}
    assert added == set()
    assert {
        "monitor_work_horse",
        "wait_for_horse",
        "main_work_horse",
        "fork_work_horse",
        "maintain_heartbeats",
    } <= hooks


def test_the_worker_of_short_tasks_has_their_handlers_before_it_forks() -> None:
    script = (
        "import sys\n"
        "from worker.queues import PRELOADED, preload\n"
        "from core.platform.tasks.kinds import KINDS\n"
        "for queue in PRELOADED: preload(queue)\n"
        "missing = {kind.id for kind in KINDS if kind.queue in PRELOADED} - {\n"
        "    kind.id for kind in KINDS if kind.handler_module in sys.modules}\n"
        "heavy = {'torch', 'transformers', 'datasets'} & set(sys.modules)\n"
        "assert not missing and not heavy, (missing, heavy)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
