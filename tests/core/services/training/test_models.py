from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import Conflict, LeaseLost, NotFound, SettingsError
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.lease import acquire
from core.platform.tasks.recovery import crashed
from core.services.data import datasets
from core.services.serving import chat
from core.services.training import jobs, models
from core.services.training.jobs.records import DURATION
from tests.support.jobs import begin, launch, make_dataset, succeed

MEASURED = {
    "train_seconds": 12.0,
    "tokens": 1_000,
    "tokens_per_s": 100.0,
    "peak_memory_bytes": 700 << 20,
    "steps": 500,
}


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """Files that look like an adapter; nothing here loads them."""
    directory = tmp_path / "adapter"
    directory.mkdir()
    (directory / "adapter_config.json").write_text("{}")
    (directory / "adapter_model.safetensors").write_bytes(b"weights" * 1000)
    return directory


def test_a_job_becomes_a_model_with_a_manifest_that_tells_everything(studio_env: Path, adapter: Path) -> None:
    job = launch(make_dataset())
    model = succeed(job, adapter, **MEASURED)
    assert (model.name, model.version, model.state) == ("Items - v1", 1, "active")
    assert (model.final_loss, model.size_bytes) == (0.25, 7002)
    assert (model.dataset_name, model.base_title, model.method_title) == ("Items", "Starter", "LoRA")
    manifest = json.loads(get_storage().read_bytes(f"{model.path}/manifest.json"))
    assert manifest["dataset"]["sha256"] == job.spec.dataset_sha256
    assert manifest["base_revision"] == job.spec.base_revision
    assert manifest["files"]["adapter_model.safetensors"]["bytes"] == 7000
    done = jobs.get_job(job.id)
    assert (done.state, done.model_id, done.progress) == ("succeeded", model.id, 100.0)
    lines = {line.name: line for line in jobs.forecast_and_measured(done)}
    assert lines["Steps"].within
    assert lines[DURATION].forecast == "not measured before"


def test_a_finished_run_makes_the_next_forecast_know_the_time(studio_env: Path, adapter: Path) -> None:
    dataset = make_dataset()
    succeed(launch(dataset), adapter, **MEASURED)
    same = jobs.forecast(dataset.id, "starter", "lora")
    assert same.memory.measured
    assert same.time.low_s is not None
    other = jobs.forecast(dataset.id, "starter", "lora", {"rank": 4})
    assert other.time.high_s is not None
    assert not other.memory.measured


def test_a_cancel_that_came_first_wins_over_success(studio_env: Path, adapter: Path) -> None:
    job = launch(make_dataset())
    context = begin(job)
    outcome = models.register(context, job.id, adapter, final_loss=0.1)
    jobs.request(job.id, "cancel")
    assert context.finish(outcome).state == "cancelled"
    assert models.list_models() == []


def test_a_worker_that_lost_its_lease_registers_nothing(studio_env: Path, adapter: Path) -> None:
    from core.platform.db.uow import UnitOfWork

    job = launch(make_dataset())
    loser = begin(job)
    outcome = models.register(loser, job.id, adapter, final_loss=0.1)
    with UnitOfWork() as uow:
        crashed(uow, store.get_in(uow, job.task_id, lock=True), "hung")
        uow.commit()
    assert acquire(job.task_id, "test:2") is not None
    with pytest.raises(LeaseLost):
        loser.finish(outcome)
    assert models.list_models() == []
    assert jobs.get_job(job.id).state == "running"


def test_a_run_repeated_after_a_crash_registers_one_model(studio_env: Path, adapter: Path) -> None:
    job = launch(make_dataset())
    context = begin(job)
    models.register(context, job.id, adapter, final_loss=0.1)  # its process dies before the transaction
    outcome = models.register(context, job.id, adapter, final_loss=0.2)
    context.finish(outcome)
    assert [model.final_loss for model in models.list_models()] == [0.2]


def test_a_name_that_is_taken_gets_the_next_version(studio_env: Path, adapter: Path) -> None:
    dataset = make_dataset()
    first, second = (succeed(launch(dataset), adapter) for _ in range(2))
    assert (second.name, second.version) == ("Items - v1 (2)", 2)
    with pytest.raises(Conflict, match="already"):
        models.rename(second.id, first.name)
    with pytest.raises(SettingsError):
        models.rename(second.id, "  ")
    assert models.rename(second.id, " The  better one ").name == "The better one"
    assert models.get_model("The better one").id == second.id


def test_archive_notes_and_lists(studio_env: Path, adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    assert models.set_notes(model.id, "good").notes == "good"
    assert models.archive([model.id]) == 1
    assert models.archive([model.id]) == 0, "it is archived already"
    assert models.list_models() == []
    assert [found.id for found in models.list_models(include_archived=True)] == [model.id]
    assert models.restore([model.id]) == 1
    assert models.get_model(model.id).state == "active"
    with pytest.raises(NotFound, match="Items - v1"):
        models.get_model("fm_none")
    assert models.archive(["fm_none"]) == 0


def test_a_model_outlives_its_dataset(studio_env: Path, adapter: Path) -> None:
    dataset = make_dataset()
    model = succeed(launch(dataset), adapter, **MEASURED)
    assert chat.suggestions(model.id)
    assert not model.dataset_deleted
    datasets.delete(dataset.id, dataset.name)
    assert models.get_model(model.id).dataset_deleted
    assert chat.suggestions(model.id) == []
    with pytest.raises(NotFound, match="deleted"):
        datasets.statistics(dataset.version.id)
