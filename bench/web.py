"""The web app's speed: `python -m bench.web`. The last line is one JSON object.

- time from `sft up` to the first answer of the web app (goal 4 s on an installed machine; best and worst of RUNS);
- time of a warm page's script, the second run of each page on a studio with data (goal 0.5 s);
- cost of one poll of the live job page, with 500 metric points to read and draw (goal 0.1 s; a poll that finds
  nothing new is the usual one).

`--crowd` measures a full studio with many sessions instead (`bench.crowd`).

Each runs on a data directory of its own that is deleted afterwards.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RUNS = 3
POLLS = 20
STEPS = 500
PAGES = (
    *("home", "datasets", "upload", "convert", "new_job", "jobs", "job"),
    *("models", "chat", "compare", "explainer", "background_jobs", "demo", "settings"),
)


def main() -> None:
    if "--crowd" in sys.argv:
        from bench import crowd

        with own_studio():
            crowd.report(crowd.run(os.environ["SFT_WEB_PORT"]))
        return
    logging.disable(logging.WARNING)  # Streamlit's remarks about running without a browser
    figures: dict[str, Any] = {"first_answer_s": first_answers()}
    print("`sft up` to the first answer:", ", ".join(f"{value:.2f} s" for value in figures["first_answer_s"]))
    with own_studio():
        job_id, task_id = a_job_in_training()
        figures["warm_page_s"] = warm_pages(job_id)
        for name, seconds in figures["warm_page_s"].items():
            print(f"warm page {name:<16} {seconds * 1000:6.0f} ms")
        figures["poll_s"] = polls(job_id, task_id)
        for name, seconds in figures["poll_s"].items():
            print(f"poll of the live page, {name:<27} {seconds * 1000:6.1f} ms")
    print(json.dumps(figures))


def first_answers() -> list[float]:
    """Seconds from starting `sft up` until the web app has answered a request, several times over."""
    return [first_answer() for _ in range(RUNS)]


def first_answer() -> float:
    with own_studio():
        port = os.environ["SFT_WEB_PORT"]
        began = time.perf_counter()
        studio = subprocess.Popen([sys.executable, "-m", "core.cli", "up"], stdout=subprocess.DEVNULL)
        try:
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                        answer.read()
                    return time.perf_counter() - began
                except OSError:
                    time.sleep(0.02)
        finally:
            studio.send_signal(signal.SIGINT)
            studio.wait(20)


@contextmanager
def own_studio() -> Iterator[None]:
    """A data directory, ports and a database that nobody else uses; the environment is put back."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="sft-bench-") as folder:
        for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL"):
            os.environ.pop(name, None)
        ports = {"SFT_WEB_PORT": free_port(), "SFT_INFERENCE_PORT": free_port()}
        os.environ.update({"SFT_DATA_DIR": folder, **ports})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def free_port() -> str:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def a_job_in_training() -> tuple[str, str]:
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
    dataset = datasets.create_dataset("Items", pairs)
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


def warm_pages(job_id: str) -> dict[str, float]:
    """Seconds of each page's script at its third run, in this process, without a browser."""
    from streamlit.testing.v1 import AppTest

    from pages.ui.navigation import page_file

    found = {}
    for name in PAGES:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
        if name != "home":
            app.switch_page(str(page_file(name).relative_to(ROOT)))
        if name == "job":
            app.query_params["id"] = job_id
        app.run()
        found[name] = median_of(app.run, 3)
        assert not app.exception, (name, app.exception)
    return found


def polls(job_id: str, task_id: str) -> dict[str, float]:
    """Seconds of what the live page does at each poll."""
    from streamlit.testing.v1 import AppTest

    from core.services.platform import tasks
    from core.services.training import jobs, metrics

    def fragment(job_id: str) -> None:
        from core.services.training import jobs
        from pages.training._job import live as job_live

        job = jobs.get_job(job_id)
        job_live._now(job_id, job_live._look(job))

    app = AppTest.from_function(fragment, kwargs={"job_id": job_id}, default_timeout=60).run()
    assert not app.exception, app.exception
    newest = metrics.since(job_id)[-1].id
    return {
        "the job's record": median_of(lambda: jobs.get_job(job_id), POLLS),
        "metric points, nothing new": median_of(lambda: metrics.since(job_id, newest), POLLS),
        "all metric points": median_of(lambda: metrics.since(job_id), POLLS),
        "events": median_of(lambda: tasks.events(task_id), POLLS),
        "the whole fragment": median_of(app.run, POLLS),
        "the same in processor time": median_of(app.run, POLLS, clock=time.process_time),
    }


def median_of(act: Callable[[], Any], times: int, clock: Callable[[], float] = time.perf_counter) -> float:
    taken = []
    for _ in range(times):
        began = clock()
        act()
        taken.append(clock() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
