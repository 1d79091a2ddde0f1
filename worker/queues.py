"""RQ as this studio uses it: a Job that runs only one function, and workers that watch their work process.

Written against RQ 2.12; its private names used here are `_horse_pid`, `_stop_requested`, `_is_horse`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import signal
import sys
import time
from typing import Any

from redis.exceptions import RedisError, TimeoutError as RedisTimeout
from rq import Queue, SpawnWorker, Worker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from core.errors import StudioError
from core.platform import life
from core.platform.db.engine import get_engine
from core.platform.logs import log_path
from core.platform.processes import die_with_parent
from core.platform.redis_server import redis_connection
from core.platform.tasks.announce import RUN_TASK, queue_name
from core.platform.tasks.kinds import KINDS
from core.platform.tasks.owners import worker_name
from core.platform.tasks.recovery import after_death
from core.services.platform.tasks import WORKER_TTL_S
from worker.watching import WATCH_EVERY_S, Watch, cause_of_death, memory_kills, signal_group, write_to

log = logging.getLogger("rq.worker")

HEARTBEAT_EVERY_S = 10.0
PRELOADED = frozenset({"cpu"})  # the queue of short tasks, such as conversions and edits


class NotAllowed(StudioError):
    """A message requested something other than `run_task(task_id)`."""


ALLOWED = frozenset({RUN_TASK})


def task_id_of(job: Job) -> str:
    """The message's only content. Raises NotAllowed: it names another function, has other arguments, or is not JSON."""
    try:
        name, args = job.func_name, list(job.args)
        plain = not job.instance and not job.kwargs and len(args) == 1 and isinstance(args[0], str)
    except DeserializationError as error:
        raise NotAllowed("A message is not JSON; it was refused.") from error
    if name not in ALLOWED or not plain:
        raise NotAllowed(f"A message requested to run {name!r}; only tasks are run, so it was refused.")
    return str(args[0])


class TaskJob(Job):
    """An RQ job that runs only `worker.run.run_task(task_id)`, whatever the message in Redis says."""

    @property
    def func(self) -> Any:
        task_id_of(self)
        return super().func

    # Callbacks and webhooks are further functions and addresses that a message could contain.
    success_callback = failure_callback = stopped_callback = property(lambda self: None)

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        return None


class _Watching(Worker):
    """What both kinds of worker add to RQ's: they watch the work process through the database, not through Redis.

    Redis may stop and restart while work continues; the lease is freed the moment the work process dies; a process
    that ignores a cancel, or that lost its lease and hangs, is killed.
    """

    job_class = TaskJob
    max_connection_wait_time = 4.0  # RQ's 60 s would let a restarted Redis wait for its workers

    _watch: Watch
    _horse_status: int | None
    _parent_pid: int

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> Any:
        """RQ would end the worker when Redis accepts connections and does not answer."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(*args, **kwargs)
            except RedisTimeout:
                log.warning("Redis does not respond; the worker goes on waiting.")

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        if not self.is_horse:
            life.sign()
        super().heartbeat(*args, **kwargs)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Refuse what is not a task before a process is started for it."""
        try:
            task_id_of(job)
        except NotAllowed as error:
            log.error("%s", error)
            queue.intermediate_queue.remove(job.id)
            job.delete()
            return
        super().execute_job(job, queue)

    def monitor_work_horse(self, job: Job, queue: Queue) -> None:
        """Watch until the work process has ended, then free what it still held."""
        owner = f"{self.name}:{self._horse_pid}"
        self._watch = Watch(task_id_of(job), owner)
        kills_before = memory_kills()
        self._horse_status = None
        try:
            super().monitor_work_horse(job, queue)
        except RedisError as error:
            log.warning("Redis did not respond while %s ended: %s", owner, error)
        cause = cause_of_death(self._horse_status, kills_before)
        try:
            after_death(self._watch.task_id, owner, "stopped" if self._stop_requested else cause)
        except Exception:  # the database is unreachable, or the row was deleted: the reconciler does the rest
            log.exception("The lease of %s could not be freed.", owner)

    def wait_for_horse(self) -> Any:
        pid, status, usage = super().wait_for_horse()
        self._horse_status = status
        return pid, status, usage

    def maintain_heartbeats(self, job: Job) -> None:
        """RQ calls this every WATCH_EVERY_S while the work process lives."""
        life.sign()
        watch: Watch = self._watch
        if reason := watch.reason_to_kill():
            log.warning("Killing work process %s: %s", watch.owner, reason)
            self.kill_horse()
        if time.monotonic() - watch.heartbeat_at >= HEARTBEAT_EVERY_S:
            watch.heartbeat_at = time.monotonic()
            waits, self.connection = self.connection, redis_connection()  # a silent Redis must not stop the watch
            try:
                with contextlib.suppress(RedisError):
                    super().maintain_heartbeats(job)
            finally:
                self.connection.close()
                self.connection = waits

    def set_current_job_working_time(self, current_job_working_time: float, *args: Any, **kwargs: Any) -> None:
        """Nothing reads it from Redis."""
        self.current_job_working_time = current_job_working_time

    def handle_warm_shutdown_request(self) -> None:
        """On SIGTERM to the worker, its work process saves and releases its lease; the worker ends after it.

        Its helpers get no signal: it may wait for what they make.
        """
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Signal the work process and its children, but never this process's group (a fresh fork has no group yet)."""
        if self.horse_pid:
            signal_group(self.horse_pid, sig)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the work process: end with the worker, write to the task's log, then let RQ run the job."""
        os.environ["RQ_WORKER_ID"] = self.name
        write_to(log_path(task_id_of(job)), queue.name.removeprefix(queue_name("")))
        log.setLevel(logging.WARNING)  # people read this log; RQ's bookkeeping does not help them
        super().main_work_horse(job, queue)


class ForkWorker(_Watching):
    """For the cpu and io queues: a fork starts in milliseconds."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(self._parent_pid)
        super().main_work_horse(job, queue)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        self._parent_pid = os.getpid()
        get_engine().dispose()  # a fork that inherits an open connection takes no locks in SQLite
        super().fork_work_horse(job, queue)


class TrainingWorker(_Watching, SpawnWorker):
    """For the gpu queue: a fresh interpreter for each task, since CUDA does not survive a fork."""

    horse_module = "worker.work_process"

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        assert self.execution is not None
        os.environ["RQ_EXECUTION_ID"] = self.execution.id
        command = [sys.executable, "-m", self.horse_module, str(os.getpid()), self.name, job.id, queue.name]
        self._horse_pid = os.spawnv(os.P_NOWAIT, sys.executable, command)  # noqa: S606


def make_worker(queue: str) -> Worker:
    """The worker for one queue of this machine. `queue`: gpu, cpu or io."""
    kind = TrainingWorker if queue == "gpu" else ForkWorker
    if queue in PRELOADED:
        preload(queue)
    connection = redis_connection(timeout_s=None)
    rq_queue = Queue(queue_name(queue), connection=connection, job_class=TaskJob, serializer=JSONSerializer)
    return kind(
        [rq_queue],
        name=worker_name(queue),
        connection=connection,
        job_class=TaskJob,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        job_monitoring_interval=WATCH_EVERY_S,
        log_job_description=False,
    )


def preload(queue: str) -> None:
    """Import the handlers of a queue once, so that no fork has to: half a second of every short task."""
    for task_kind in KINDS:
        if task_kind.queue == queue:
            importlib.import_module(task_kind.handler_module)
    gc.freeze()  # the collector would make each fork copy what it imported here
