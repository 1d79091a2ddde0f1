"""A job at another, real SFT Studio: followed to a model that answers here, and submitted once whatever is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from core.platform.tasks import store
from core.services.data import datasets
from core.services.platform import connections, tasks
from core.services.serving import chat
from core.services.training import hosted, jobs, metrics, models
from core.services.training.jobs import JobRecord
from tests.support.jobs import make_dataset
from tests.support.second_studio import SecondStudio, second_studio
from tests.support.servers import free_port, wait_until
from tests.support.studio import Studio, is_gone, wait_state

LIMIT_S = 800.0  # on a busy machine
SEEDS = (1, 2)
MANY = tuple(range(3, 23))
INTENT = "sft_studio_intent"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, starter: Path) -> Iterator[SecondStudio]:
    with second_studio(tmp_path_factory.mktemp("second") / "data", starter) as studio:
        yield studio


@pytest.fixture
def here(studio_with_starter: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """This studio's network worker and reconciler, which visit often."""
    monkeypatch.setenv("SFT_POLL_S", "0.5")
    studio.worker("io")
    studio.reconciler()
    return studio


def connect(other: SecondStudio) -> str:
    saved = connections.save(name="GPU room", kind="openai", base_url=other.url, key=other.key, training="sft_studio")
    return saved.id


def launch(other: SecondStudio, epochs: int, name: str = "Items") -> JobRecord:
    return jobs.create(
        name=name, dataset_id=make_dataset(name, validation=2).id, base_model="starter", method="lora",
        draft_key=None, connection=connect(other), hyperparameters={"n_epochs": epochs},
    )  # fmt: skip


def jobs_there(other: SecondStudio, intent: str) -> list[dict]:
    listed = other.api("GET", "/v1/fine_tuning/jobs?limit=1000").json()["data"]
    return [job for job in listed if intent in (job.get("metadata") or {}).values()]


def test_a_job_is_trained_there_and_its_model_answers_here(
    other: SecondStudio, here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = launch(other, epochs=30)
    wait_until(lambda: jobs.get_job(job.id).is_terminal, LIMIT_S, "the end of the job")
    done = wait_state(job.task_id, "succeeded")
    assert done.progress == 100
    now = jobs.get_job(job.id)
    assert now.hosted is not None
    assert (now.provider, now.hosted.remote_status) == ("sft_studio", "succeeded")
    points = metrics.all_points(job.id)
    assert points[-1].loss < points[0].loss
    assert len({(point.step, point.split) for point in points}) == len(points)
    assert any(event.kind == "service" for event in tasks.events(job.task_id))
    model = models.get_model(now.model_id or "")
    assert not model.only_there
    port = free_port()
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(port))
    process = subprocess.Popen([sys.executable, "-m", "worker.inference"], env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), 120, "the inference process")
        text = "".join(chat.stream(model.id, [{"role": "user", "content": "What is item 3?"}], max_tokens=24))
        assert "blue" in text.lower()
    finally:
        process.terminate()
        process.wait(120)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_cancel_and_a_pause_reach_the_other_studio(other: SecondStudio, here: Studio) -> None:
    job = launch(other, epochs=900)
    wait_until(lambda: jobs.get_job(job.id).state == "running", LIMIT_S, "the job to run")
    jobs.request(job.id, "pause")
    wait_state(job.task_id, "paused")
    remote = jobs.get_job(job.id).hosted
    assert remote is not None
    assert other.api("GET", f"/api/v1/jobs/{remote.remote_id}").json()["state"] == "paused"
    jobs.request(job.id, "resume")
    wait_until(lambda: jobs.get_job(job.id).state == "running", LIMIT_S, "the job to run again")
    jobs.request(job.id, "cancel")
    wait_state(job.task_id, "cancelled")
    assert other.api("GET", f"/api/v1/jobs/{remote.remote_id}").json()["state"] == "cancelled"


def moments(job: JobRecord) -> dict[str, Callable[[], bool]]:
    """The steps of a submission, each by what tells that it has begun."""

    def run() -> hosted.HostedRunRecord | None:
        return hosted.newest(job.id)

    return {
        "intent": lambda: run() is not None,
        "file": lambda: store.get(job.task_id).phase == "Submitting",
        "uploaded": lambda: bool((now := run()) and now.training_file),
        "submitting": lambda: bool((now := run()) and now.attempted_at),
        "submitted": lambda: bool((now := run()) and now.remote_id),
    }


def kill_at(job: JobRecord, moment: str, draw: random.Random) -> bool:
    """Kill the work process a drawn time after a moment; False where it had ended by then."""
    begun = moments(job)[moment]
    until = time.monotonic() + LIMIT_S
    while not begun():
        assert time.monotonic() < until, (moment, store.get(job.task_id), tasks.log_tail(job.task_id))
        time.sleep(0.001)
    time.sleep(draw.choice((0.0, draw.uniform(0.0, 0.03), draw.uniform(0.0, 0.3))))
    owner = store.get(job.task_id).lease_owner
    if owner is None:
        return False
    pid = int(owner.rpartition(":")[2])
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended in this moment
        return False
    wait_until(lambda: is_gone(pid), LIMIT_S, "the end of the killed process")
    return True


def submitted_once(other: SecondStudio, seed: int) -> None:
    """Kill the worker at two steps of a submission: there is one job at the other studio."""
    draw = random.Random(seed)
    job = launch(other, epochs=900, name=f"Items {seed}")
    steps = sorted(draw.sample(list(moments(job)), 2), key=list(moments(job)).index)
    killed = [step for step in steps if kill_at(job, step, draw)]
    wait_until(lambda: bool((run := hosted.newest(job.id)) and run.remote_id), LIMIT_S, "the submission")
    wait_until(lambda: store.get(job.task_id).not_before is not None, LIMIT_S, "the end of a visit")
    run = hosted.newest(job.id)
    assert run is not None
    there = jobs_there(other, run.intent)
    assert [one["id"] for one in there] == [run.remote_id], (seed, killed)
    listed = other.api("GET", "/v1/files?limit=1000").json()["data"]
    files = [one for one in listed if job.spec.dataset_version_id in one["filename"]]
    assert len(files) == 2, (seed, killed, files)
    jobs.request(job.id, "cancel")
    wait_state(job.task_id, "cancelled")
    assert datasets.get_dataset(job.dataset_id).name == f"Items {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_worker_submits_once(other: SecondStudio, here: Studio, seed: int) -> None:
    submitted_once(other, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_a_killed_worker_submits_once_in_twenty_more_series(other: SecondStudio, here: Studio, seed: int) -> None:
    submitted_once(other, seed)
