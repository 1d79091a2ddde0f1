"""A real training run whose processes are killed, one after the other: it resumes by itself and yields one model."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from core.data.samples import load_sample
from core.models import methods
from core.models.base_models.starter import starter_dir
from core.platform.redis_server import redis_connection
from core.platform.storage import get_storage
from core.platform.supervisor import ensure
from core.platform.tasks import store
from core.services.data import datasets
from core.services.platform import tasks
from core.services.training import jobs, metrics, models
from tests.support import kills
from tests.support.servers import wait_until
from tests.support.studio import horse_of

LIMIT_S = 500.0  # importing torch and loading a model on two busy cores


def wait_checkpoints(task_id: str, wanted: int) -> None:
    """Wait until so many checkpoints are saved and a worker is in the middle of the next steps."""

    def there() -> bool:
        task = store.get(task_id)
        assert not task.is_terminal, (task, tasks.log_tail(task_id))
        return len(store.events(task_id=task_id, kind="checkpoint")) >= wanted and task.lease_owner is not None

    wait_until(there, LIMIT_S, f"{wanted} checkpoints of {store.get(task_id)}")


def kill_work_process(task_id: str) -> None:
    os.kill(horse_of(task_id), signal.SIGKILL)


def kill_worker(task_id: str) -> None:
    owner = store.get(task_id).lease_owner or ""
    (worker,) = [worker for worker in tasks.workers() if owner.startswith(worker.name)]
    os.kill(int(worker.name.split("-")[-2]), signal.SIGKILL)


def kill_redis(task_id: str) -> None:
    with redis_connection() as redis:
        os.kill(redis.info()["process_id"], signal.SIGKILL)


def uninterrupted(job: jobs.JobRecord, folder: Path) -> dict[int, float]:
    """The losses that the job's spec gives in one go, by step, in the precision that the job measured and chose."""
    from worker.training.engines import Watching
    from worker.training.run import train

    spec, points = job.spec, []
    precision, _ = job.precision
    assert precision
    train(
        starter_dir(),
        list(datasets.iter_examples(spec.dataset_version_id)),
        methods.build(spec.method, spec.method_config),
        spec.training.model_copy(update={"precision": precision}),
        folder,
        watching=Watching(on_point=points.append),
    )
    return {point.step: point.loss for point in points if point.split == "train"}


def test_every_process_is_killed_and_one_model_comes_out(
    studio_with_starter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SFT_RECONCILE_S", "2")
    sample = load_sample()
    dataset = datasets.create_dataset(sample.name, sample.train)
    with ensure({"worker"}):
        job = jobs.create(
            name="Killed - v1",
            dataset_id=dataset.id,
            base_model="starter",
            method="lora",
            draft_key=None,
            training={"num_epochs": 10, "save_every_steps": 10},
        )
        saved = 0
        for kill in (kill_work_process, kill_worker, kill_redis):
            wait_checkpoints(job.task_id, saved + 1)
            saved = len(store.events(task_id=job.task_id, kind="checkpoint"))
            kill(job.task_id)
            time.sleep(1)  # what was killed is gone before the next look
        wait_until(lambda: store.get(job.task_id).is_terminal, 2 * LIMIT_S, f"the end of {store.get(job.task_id)}")
    ended = jobs.get_job(job.id)
    assert ended.state == "succeeded", tasks.log_tail(job.task_id)
    assert [model.job_id for model in models.list_models(include_archived=True)] == [job.id]
    assert store.get(job.task_id).attempt == 1, "nobody pressed retry"
    points = [point for point in metrics.since(job.id) if point.split == "train"]
    assert sorted(point.step for point in points) == list(range(1, ended.total_steps + 1)), "every step, once"
    assert {point.step: point.loss for point in points} == uninterrupted(ended, tmp_path / "whole")
    causes = [event.data.get("cause") for event in tasks.events(job.task_id) if event.data.get("cause")]
    assert causes[0] == "killed", "the others saved or went on"


KILLS, INSIDE_CHECKPOINTS, SEED = 20, 12, 20261126  # 5 of 8 fell inside, so 12 leave room


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_over_one_run_change_nothing(
    studio_with_starter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random moments from a seeded schedule; the run ends with the weights of one that nobody disturbed."""
    monkeypatch.setenv("SFT_RECONCILE_S", "2")
    sample = load_sample()
    dataset = datasets.create_dataset(sample.name, sample.train, sample.validation[:12])
    with ensure({"worker"}):
        job = jobs.create(
            name="Killed twenty times - v1",
            dataset_id=dataset.id,
            base_model="starter",
            method="lora",
            draft_key=None,
            training={"num_epochs": 30, "save_every_steps": 10, "eval_every_steps": 20, "keep_best": True},
        )
        killer = kills.Killer(job.task_id, job.total_steps, SEED)
        try:
            log = killer.carry_out(kills.schedule(KILLS, INSIDE_CHECKPOINTS, SEED))
        finally:
            with capsys.disabled():
                print(f"\n{kills.table(killer.log)}")
        wait_until(lambda: store.get(job.task_id).is_terminal, 2 * LIMIT_S, f"the end of {store.get(job.task_id)}")
    ended = jobs.get_job(job.id)
    assert ended.state == "succeeded", tasks.log_tail(job.task_id)
    assert store.get(job.task_id).attempt == 1, "nobody pressed retry"
    assert len(log) == KILLS
    assert sum(kill.phase == "writing a checkpoint" for kill in log) >= 5
    assert max(kill.between for kill in log) <= kills.MOST_BETWEEN
    (model,) = models.list_models(include_archived=True)
    assert model.job_id == job.id
    measured = {point.step: point.loss for point in metrics.since(job.id) if point.split == "train"}
    whole = uninterrupted(ended, tmp_path / "whole")
    last = max(whole)
    assert abs(measured[last] - whole[last]) <= 1e-4
    assert measured == whole, "every step, to the last bit"
    stored = load_file(get_storage().local_path(f"{model.path}/adapter_model.safetensors"))
    undisturbed = load_file(tmp_path / "whole" / "model" / "adapter_model.safetensors")
    assert all((stored[name] == undisturbed[name]).all() for name in undisturbed)
