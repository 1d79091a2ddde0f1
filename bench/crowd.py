"""A full studio and many people at once, part of `python -m bench.web` (alone with `--crowd`).

500 datasets, 1,000 jobs (800 of them queued, 200 with a model) and 200 models; 20 sessions over real
websockets, as browsers hold them, open one screen after the other for 60 s and poll as often as the screens ask for.
Measured from sending a request to the end of its script: opening a screen (a rerun), and a poll; one session has opened
every screen before. Held to on an otherwise idle machine: bench.web.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from typing import Any

DATASETS, JOBS, MODELS, SESSIONS, SECONDS = 500, 800, 200, 20, 60
STEPS = 500  # of the job in training
THINK_S = 4.0  # between two screens of a session
SCREENS = ("", "datasets", "jobs", "background_jobs", "models", "new_job", "chat", "compare", "mix", "explainer")
_LIMIT_S = 120.0


@dataclass
class Times:
    """Seconds of reruns by screen, seconds of polls, and what went wrong."""

    reruns: dict[str, list[float]] = field(default_factory=dict)
    polls: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        reruns, polls = sorted(chain(*self.reruns.values())), sorted(chain(*self.polls.values()))
        return {
            "reruns": len(reruns),
            "polls": len(polls),
            "rerun_p50_s": share(reruns, 0.5),
            "rerun_p95_s": share(reruns, 0.95),
            "poll_p50_s": share(polls, 0.5),
            "poll_p95_s": share(polls, 0.95),
            "errors": len(self.errors),
            "rerun_p95_by_screen_s": by_screen(self.reruns),
            "poll_p95_by_screen_s": by_screen(self.polls),
        }


def by_screen(taken: Mapping[str, list[float]]) -> dict[str, float]:
    """The 95th percentile of each screen, the slowest first."""
    found = {name or "home": share(sorted(seconds), 0.95) for name, seconds in taken.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def share(ordered: list[float], part: float) -> float:
    """The value that `part` of the ordered ones do not exceed."""
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3) if ordered else 0.0


def run(port: str, *, seconds: float = SECONDS, sessions: int = SESSIONS) -> dict[str, Any]:
    """Fill the studio of this environment, serve it, let the sessions in, and return the figures."""
    from core.platform.supervisor import ensure

    with ensure(["redis"]):
        dataset_id = fill()
        watched, _ = a_job_in_training("Watched items")
        busy_worker()
        screens = (*SCREENS, f"job?id={watched}", f"datasets?id={dataset_id}")
        with serving(port):
            times = asyncio.run(crowd(port, seconds, sessions, screens))
    for line in times.errors[:10]:
        print("error:", line)
    return times.figures()


def fill(datasets: int = DATASETS, jobs: int = JOBS, models: int = MODELS) -> str:
    """Datasets, queued jobs with their tasks, and models with the jobs that created them.

    Rows like those that the services write. Returns the id of the first dataset.
    """
    from sqlalchemy import insert, select

    from core.ids import new_id
    from core.messages import Example, Message
    from core.platform.db import migrate, tables
    from core.platform.db.uow import UnitOfWork
    from core.services.data import datasets as service
    from core.services.training import jobs as job_service

    migrate.upgrade()
    pairs = [Example((Message("user", f"Item {n}?"), Message("assistant", f"Item {n} is blue."))) for n in range(200)]
    first = service.create_dataset("Items", pairs)
    chosen = {"base_model": "starter", "method": "lora"}
    job = job_service.create(name="Items - v1", dataset_id=first.id, draft_key=None, **chosen)
    task_id = job.task_id

    def row(uow: UnitOfWork, table: Any, row_id: str) -> dict[str, Any]:
        return dict(uow.session.connection().execute(select(table).where(table.c.id == row_id)).mappings().one())

    with UnitOfWork() as uow:
        put = uow.session.connection().execute
        dataset, version = row(uow, tables.DATASETS, first.id), row(uow, tables.VERSIONS, first.version.id)
        task, the_job = row(uow, tables.TASKS, task_id), row(uow, tables.JOBS, job.id)
        task["after_task_id"] = None
        now = time.time()
        for n in range(2, datasets + 1):
            copy, copied = new_id("ds"), new_id("dsv")
            put(insert(tables.DATASETS).values({**dataset, "id": copy, "name": f"Items {n}", "created_at": now - n}))
            put(insert(tables.VERSIONS).values({**version, "id": copied, "dataset_id": copy}))
            put(tables.DATASETS.update().where(tables.DATASETS.c.id == copy).values(current_version_id=copied))
        for n in range(2, jobs + 1):
            own, title = new_id("task"), f"Items - v{n}"
            common = {"created_at": now + n / 1000}
            put(insert(tables.TASKS).values({**task, "id": own, "title": title, "idempotency_key": own, **common}))
            values = {**the_job, "id": new_id("job"), "name": title, "task_id": own, "draft_key": None, **common}
            put(insert(tables.JOBS).values(values))
        for n in range(1, models + 1):
            own, ended = new_id("task"), new_id("job")
            done = {"state": "succeeded", "progress": 100.0, "started_at": now - 60, "finished_at": now}
            common = {"created_at": now - 100 - n}
            put(insert(tables.TASKS).values({**task, "id": own, "idempotency_key": own, **done, **common}))
            put(insert(tables.JOBS).values({**the_job, "id": ended, "task_id": own, "draft_key": None, **common}))
            put(insert(tables.MODELS).values(_model(ended, first.id, n, now)))
        uow.commit()
    return first.id


def busy_worker() -> None:
    """Let the oldest job be in work: a worker that Redis knows holds its lease, and the others wait for it."""
    from rq import Worker

    from core.platform.db.tables import TASKS
    from core.platform.db.uow import UnitOfWork
    from core.platform.redis_server import redis_connection
    from core.platform.tasks import store
    from core.platform.tasks.announce import queue_name
    from core.platform.tasks.lease import acquire

    first = store.find(states=["pending"], queue="gpu", limit=1, oldest_first=True)[0]
    with UnitOfWork() as uow:
        uow.execute(TASKS.update().where(TASKS.c.id == first.id).values(after_task_id=None))
        uow.commit()
    assert acquire(first.id, "bench") is not None
    worker = Worker([queue_name("gpu")], connection=redis_connection(), name="gpu-bench")
    worker.register_birth()
    worker.heartbeat(600)


def a_job_in_training(name: str = "Items") -> tuple[str, str]:
    """A dataset of 200 pairs and a job in the middle of its training, with its metric points; its ids."""
    from core.messages import Example, Message
    from core.platform.db import migrate
    from core.platform.tasks.context import Outcome, TaskContext
    from core.platform.tasks.lease import acquire
    from core.services.data import datasets
    from core.services.training import jobs, metrics
    from core.training.metrics import Point

    migrate.upgrade()
    pairs = [Example((Message("user", f"Item {n}?"), Message("assistant", f"Item {n} is blue."))) for n in range(200)]
    dataset = datasets.create_dataset(name, pairs)
    job = jobs.create(name="Items - v1", dataset_id=dataset.id, base_model="starter", method="lora", draft_key=None)
    needed = jobs.get_job(job.id)
    for task in _tasks_before(needed.task_id):
        lease = acquire(task, "bench")
        assert lease is not None
        TaskContext(lease).finish(Outcome("succeeded"))
    lease = acquire(job.task_id, "bench")
    assert lease is not None
    with lease.fenced() as uow:
        for step in range(1, STEPS + 1):
            loss = 3.0 / step**0.5
            speed = {"learning_rate": 2e-3, "tokens": step * 900, "tokens_per_s": 4000.0, "memory_bytes": 10**9}
            points = [Point.of("train", step, {"epoch": step / 25, "loss": loss, "grad_norm": 1.0, **speed})]
            if step % 25 == 0:
                points.append(Point.of("validation", step, {"epoch": step / 25, "loss": loss * 1.2}))
            metrics.write(uow, job.id, points)
        uow.commit()
    return job.id, job.task_id


def _tasks_before(task_id: str) -> list[str]:
    from core.platform.tasks import store

    needed = store.get(task_id).after_task_id
    return [needed] if needed else []


def _model(job_id: str, dataset_id: str, number: int, now: float) -> dict[str, Any]:
    from core.ids import new_id
    from core.platform.db.tables import FineTunedModel

    return FineTunedModel(
        id=new_id("fm"),
        line_id=new_id("fm"),
        name=f"Items - Starter - v{number}",
        job_id=job_id,
        dataset_id=dataset_id,
        base_model="starter",
        method="lora",
        path=f"models/{number}",
        created_at=now - number,
    ).model_dump()


@contextmanager
def serving(port: str) -> Iterator[None]:
    """The web process, until it has answered, and until the end of the block. No worker: the queue stays as it is."""
    process = subprocess.Popen([sys.executable, "-m", "pages.ui.server"], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


async def crowd(port: str, seconds: float, sessions: int, screens: Sequence[str] = SCREENS) -> Times:
    """All sessions at once, each beginning with another screen a moment after the last one."""
    await Session(port, Times()).visit(iter(screens), float("inf"), think_s=0.0)  # what a new process imports once
    times = Times()
    until = time.monotonic() + seconds

    async def one(number: int) -> None:
        await asyncio.sleep(number * THINK_S / sessions)
        try:
            await Session(port, times).visit(islice(cycle(screens), number, None), until)
        except Exception as error:
            times.errors.append(f"session {number}: {type(error).__name__}: {error}")

    await asyncio.gather(*(one(number) for number in range(sessions)))
    return times


class Session:
    """One browser's websocket: opens screens, and polls whatever fragments the screens ask to be polled."""

    def __init__(self, port: str, times: Times) -> None:
        self.address, self.times = f"127.0.0.1:{port}", times
        self.screen, self.due = "", dict[str, tuple[float, float]]()  # fragment: its interval, its next time

    async def visit(self, screens: Iterator[str], until: float, think_s: float = THINK_S) -> None:
        """Open one screen after the other until the time or the screens are over."""
        from websockets.asyncio.client import connect

        address = f"ws://{self.address}/_stcore/stream"
        async with connect(
            address, origin=f"http://{self.address}", subprotocols=["streamlit"], max_size=None, ping_interval=None
        ) as self.socket:
            for address in screens:
                if time.monotonic() > until:
                    return
                self.due = {}
                name, _, query = address.partition("?")
                self.screen = f"{name} (one)" if query else name
                opened = await self.run(page_name=name, query_string=query)
                self.times.reruns.setdefault(self.screen, []).append(opened)
                leave = time.monotonic() + think_s
                while (now := time.monotonic()) < leave:
                    fragment = min(self.due, key=lambda name: self.due[name][1], default=None)
                    if fragment is None or self.due[fragment][1] > leave:
                        await asyncio.sleep(leave - now)
                        break
                    await asyncio.sleep(max(0.0, self.due[fragment][1] - now))
                    interval = self.due[fragment][0]
                    state = {"page_name": name, "query_string": query, "fragment_id": fragment}
                    taken = await self.run(**state, is_auto_rerun=True)
                    self.times.polls.setdefault(self.screen, []).append(taken)
                    if fragment in self.due:
                        self.due[fragment] = (interval, time.monotonic() + interval)

    async def run(self, **state: Any) -> float:
        """Ask for a run of the script, or of one fragment, and wait for its end; the seconds it took."""
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        message = BackMsg()
        for name, value in state.items():
            setattr(message.rerun_script, name, value)
        began = time.monotonic()
        await self.socket.send(message.SerializeToString())
        while True:
            data = await asyncio.wait_for(self.socket.recv(), _LIMIT_S)
            answer = ForwardMsg()
            answer.ParseFromString(data if isinstance(data, bytes) else data.encode())
            kind = answer.WhichOneof("type")
            if kind == "auto_rerun":
                interval = answer.auto_rerun.interval
                self.due[answer.auto_rerun.fragment_id] = (interval, time.monotonic() + interval)
            elif kind == "page_not_found":
                self.times.errors.append(f"{self.screen}: page not found")
            elif kind == "delta" and answer.delta.new_element.WhichOneof("type") == "exception":
                self.times.errors.append(f"{self.screen}: {answer.delta.new_element.exception.message}")
            elif kind == "script_finished" and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return time.monotonic() - began


def report(figures: Mapping[str, Any]) -> None:
    """The figures as lines."""
    print(f"{figures['reruns']} reruns: half in {figures['rerun_p50_s']} s, 95 % in {figures['rerun_p95_s']} s")
    print(f"{figures['polls']} polls: half in {figures['poll_p50_s']} s, 95 % in {figures['poll_p95_s']} s")
    print(f"{figures['errors']} errors")
    for name, seconds in figures["rerun_p95_by_screen_s"].items():
        print(f"  {name:<16} rerun {seconds:6.3f} s   poll {figures['poll_p95_by_screen_s'].get(name, 0):6.3f} s")
