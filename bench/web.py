"""The web app's speed: `python -m bench.web`. The last line is one JSON object.

- time from `sft up` to the first page: the script of Home has run to its end (worst of RUNS);
- time of a rerun and of a poll with 20 people in a full studio (`bench.crowd`);
- time of a warm page's script, the third run of each page on a studio with data, one person;
- cost of one poll of the live job page, with 500 metric points to read and draw, one person.

The first two are held to GOALS, on an otherwise idle machine; the load is printed beside them. `--crowd` measures the
full studio alone. Each runs on a separate data directory that is deleted afterwards.
"""

from __future__ import annotations

import asyncio
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

from bench import crowd

ROOT = Path(__file__).parents[1]
RUNS = 3
GOALS = {"first_page_s": 3.0, "rerun_p95_s": 0.5, "poll_p95_s": 0.1}
POLLS = 20
PAGES = (
    *("home", "datasets", "upload", "convert", "new_job", "jobs", "job"),
    *("models", "chat", "compare", "explainer", "background_jobs", "demo", "settings"),
)


def main() -> None:
    logging.disable(logging.WARNING)  # Streamlit's remarks about running without a browser
    figures: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    if "--crowd" not in sys.argv:
        one_person(figures)
    with own_studio():
        figures["crowd"] = crowd.run(os.environ["SFT_WEB_PORT"])
    crowd.report(figures["crowd"])
    print(f"load average: {figures['load_before']:.1f} before, {os.getloadavg()[0]:.1f} now")
    measured = {**figures["crowd"], "first_page_s": max(figures.get("first_page_s", [0.0]))}
    for name, goal in GOALS.items():
        if measured[name]:
            print(f"{name:<12} {measured[name]:6.3f}   goal {goal}: {'held' if measured[name] <= goal else 'MISSED'}")
    print(json.dumps(figures))


def one_person(figures: dict[str, Any]) -> None:
    """Measure what one person waits for, and print it."""
    figures["first_page_s"] = [first_page() for _ in range(RUNS)]
    print("`sft up` to the first page:", ", ".join(f"{value:.2f} s" for value in figures["first_page_s"]))
    with own_studio():
        job_id, task_id = crowd.a_job_in_training()
        figures["warm_page_s"] = warm_pages(job_id)
        for name, seconds in figures["warm_page_s"].items():
            print(f"warm page {name:<16} {seconds * 1000:6.0f} ms")
        figures["poll_s"] = polls(job_id, task_id)
        for name, seconds in figures["poll_s"].items():
            print(f"poll of the live page, {name:<27} {seconds * 1000:6.1f} ms")


def first_page() -> float:
    """Seconds from starting `sft up` until a browser would have drawn Home."""
    with own_studio():
        port = os.environ["SFT_WEB_PORT"]
        began = time.perf_counter()
        studio = subprocess.Popen([sys.executable, "-m", "core.cli", "up"], stdout=subprocess.DEVNULL)
        try:
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                        answer.read()
                    times = crowd.Times()
                    asyncio.run(crowd.Session(port, times).visit(iter([""]), float("inf"), think_s=0.0))
                    assert not times.errors, times.errors
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
        ports = {name: free_port() for name in ("SFT_WEB_PORT", "SFT_INFERENCE_PORT", "SFT_API_PORT")}
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
        job_live._now(job_id, job_live._look(job), [])

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
