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
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError, TimeoutError as RedisTimeout
from rq import Queue, SpawnWorker, Worker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from core.errors import StudioError
from core.platform import life, logs
from core.platform.logs import log_path
from core.platform.processes import die_with_parent
from core.platform.redis_server import redis_connection
from core.platform.tasks import store
from core.platform.tasks.announce import RUN_TASK, queue_name
from core.platform.tasks.kinds import KINDS
from core.platform.tasks.owners import worker_name
from core.platform.tasks.recovery import after_death
from core.services.platform.tasks import WORKER_TTL_S
from core.settings import get_settings

log = logging.getLogger("rq.worker")

WATCH_EVERY_S = 1  # RQ's monitoring interval; in full seconds, because it is an alarm
HEARTBEAT_EVERY_S = 10.0
PRELOADED = frozenset({"cpu"})  # the queue of short tasks, such as conversions and edits
LOST_GRACE_S = 10.0  # for a work process that ended its task, or lost its lease, to clean up and exit


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

    _watch: _Watch
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
        self._watch = _Watch(task_id_of(job), owner)
        kills_before = memory_kills()
        self._horse_status = None
        try:
            super().monitor_work_horse(job, queue)
        except RedisError as error:
            log.warning("Redis did not respond while %s ended: %s", owner, error)
        cause = _cause_of_death(self._horse_status, kills_before)
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
        watch: _Watch = self._watch
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
        """On SIGTERM to the worker, its work process saves and releases its lease; the worker ends after it."""
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Signal the work process and its children, but never this process's group (a fresh fork has no group yet)."""
        if not self.horse_pid:
            return
        with contextlib.suppress(ProcessLookupError):
            group = os.getpgid(self.horse_pid)
            if group == os.getpgrp():
                os.kill(self.horse_pid, sig)
            else:
                os.killpg(group, sig)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the work process: end with the worker, write to the task's log, then let RQ run the job."""
        os.environ["RQ_WORKER_ID"] = self.name
        _write_to(log_path(task_id_of(job)), queue.name.removeprefix(queue_name("")))
        super().main_work_horse(job, queue)


class ForkWorker(_Watching):
    """For the cpu and io queues: a fork starts in milliseconds."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(self._parent_pid)
        super().main_work_horse(job, queue)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        self._parent_pid = os.getpid()
        super().fork_work_horse(job, queue)


class TrainingWorker(_Watching, SpawnWorker):
    """For the gpu queue: a fresh interpreter for each task, since CUDA does not survive a fork."""

    horse_module = "worker.work_process"

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        assert self.execution is not None
        os.environ["RQ_EXECUTION_ID"] = self.execution.id
        command = [sys.executable, "-m", self.horse_module, str(os.getpid()), self.name, job.id, queue.name]
        self._horse_pid = os.spawnv(os.P_NOWAIT, sys.executable, command)  # noqa: S606


class _Watch:
    """Reads the task's row once per second, for the worker whose child works on it."""

    def __init__(self, task_id: str, owner: str) -> None:
        self.task_id = task_id
        self.owner = owner
        self.heartbeat_at = time.monotonic()
        self._had_lease = False
        self._since: dict[str, float] = {}

    def reason_to_kill(self) -> str:
        """Why the work process must end now, or ""."""
        try:
            task = store.get(self.task_id)
        except Exception as error:  # a database that is busy or restarting is not a reason to kill
            log.warning("The watch could not read task %s: %s", self.task_id, error)
            return ""
        holds = task.lease_owner == self.owner
        self._had_lease = self._had_lease or holds
        if self._lasts("cancel", holds and task.command == "cancel", get_settings().cancel_grace_s):
            return "it did not stop when it was cancelled"
        if self._lasts("lost", self._had_lease and not holds, LOST_GRACE_S):
            return "its lease expired and it did not exit"
        return ""

    def _lasts(self, condition: str, holds: bool, limit_s: float) -> bool:
        """Whether a condition has lasted longer than the limit, by this process's clock."""
        if not holds:
            self._since.pop(condition, None)
            return False
        return time.monotonic() - self._since.setdefault(condition, time.monotonic()) > limit_s


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


def _write_to(path: Path, queue: str) -> None:
    """Send everything that this process prints from here on, native libraries included, to the task's log."""
    stream = path.open("a", buffering=1)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)
    logs.configure(f"worker-{queue}", on_stderr=True)
    log.setLevel(logging.WARNING)  # people read this log; RQ's bookkeeping does not help them


def _cause_of_death(status: int | None, kills_before: int) -> str:
    """out_of_memory, killed or crashed, from the exit status and the kernel's count of memory kills before."""
    if status is None or not os.WIFSIGNALED(status):
        return "crashed"
    if os.WTERMSIG(status) == signal.SIGKILL and memory_kills() > kills_before:
        return "out_of_memory"
    return "killed" if os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGTERM) else "crashed"


def memory_kills(root: Path = Path("/")) -> int:
    """How many processes the kernel killed for lack of memory, to distinguish such a kill from any other SIGKILL.

    It is the count of this process's control group (version 2, else 1), or of the machine; only an increase between two
    calls is meaningful.
    """
    for path in (*_memory_events(root), root / "proc/vmstat"):
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0


def _memory_events(root: Path) -> list[Path]:
    """Where the group's count can be: under its path as this process sees it, or at the top of the mount, which is what
    a container shows."""
    version_2, version_1 = root / "sys/fs/cgroup", root / "sys/fs/cgroup/memory"
    paths = []
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                paths.append(version_2 / path.strip("/") / "memory.events")
            elif "memory" in controllers.split(","):
                paths.append(version_1 / path.strip("/") / "memory.oom_control")
    return [*paths, version_2 / "memory.events", version_1 / "memory.oom_control"]
