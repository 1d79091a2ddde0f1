"""A hosted job from launch to its model, and everything that goes wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from core.errors import Conflict, DataError, InvalidTransition, SettingsError
from core.platform.db.tables import CONNECTIONS
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.services.platform import connections, tasks
from core.services.training import hosted, jobs, metrics, models
from core.services.training.jobs import JobRecord
from tests.support.jobs import make_dataset
from tests.support.notebook import Notebook, connect, notebook, visit


@pytest.fixture
def service(studio_env: Path, tmp_path: Path) -> Iterator[Notebook]:
    with notebook(tmp_path / "notebook.json") as made:
        yield made


def launch(count: int = 20, validation: int = 2, **choices: object) -> JobRecord:
    dataset = make_dataset(count=count, validation=validation)
    given = {"connection": connect().id, "base_model": "small", "method": "lora", "name": "", **choices}
    return jobs.create(dataset_id=dataset.id, draft_key=None, **given)


def test_a_job_goes_through_its_states_to_a_model(service: Notebook) -> None:
    job = launch(hyperparameters={"n_epochs": 3, "speed": "auto"})
    assert (job.provider, job.state, job.name) == ("notebook", "pending", "Items - small - v1")
    waiting = visit(job.task_id)
    assert (waiting.state, waiting.lease_owner, waiting.progress) == ("queued", None, 20)
    remote = service.job(state="running", word="training", progress=0.5, total_steps=10)
    assert remote["hyperparameters"] == {"n_epochs": 3}
    assert remote["files"] == ["file-0", "file-1"]
    service.job(
        events=[["e1", 1.0, "Warming up", "info"], ["e2", 2.0, "A warning", "warning"]],
        points=[[1, "train", {"loss": 2.0}], [5, "train", {"loss": 1.0}]],
    )
    running = visit(job.task_id)
    assert (running.state, running.progress, running.phase) == ("running", 57.5, "Training")
    service.job(points=[[1, "train", {"loss": 2.0}], [5, "train", {"loss": 1.0}], [5, "validation", {"loss": 1.5}],
                        [10, "train", {"loss": 0.5}]])  # fmt: skip
    visit(job.task_id)
    visit(job.task_id)
    points = [(point.step, point.split) for point in metrics.all_points(job.id)]
    assert points == [(1, "train"), (5, "train"), (5, "validation"), (10, "train")]
    there = [event.message for event in tasks.events(job.task_id) if event.kind == "service"]
    assert there == ["Warming up", "A warning"]
    service.job(state="succeeded", word="done", model="small:tuned", usd=1.25, tokens=4_000)
    ended = visit(job.task_id)
    assert ended.state == "succeeded", ended.error
    now = jobs.get_job(job.id)
    assert now.hosted is not None
    assert (now.hosted.model, now.hosted.billed_usd, now.hosted.remote_id) == ("small:tuned", 1.25, "remote-0")
    assert [point.step for point in now.hosted.checkpoints] == [5]
    assert now.final_loss == 0.5
    model = models.get_model(now.model_id or "")
    assert model.only_there
    assert model.hosted is not None
    assert (model.hosted.model, model.path) == ("small:tuned", "")
    assert service.calls.count("submit") == 1


def test_a_model_that_only_answers_there_is_deleted_without_touching_other_files(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.job(state="succeeded", word="done", model="m")
    model = models.get_model(visit(job.task_id).result["model_id"])
    get_storage().write_bytes("models/other/file", b"kept")
    models.delete(model.id, model.name)
    assert jobs.get_job(job.id).model_id is None
    assert get_storage().exists("models/other/file")


def test_the_services_own_estimate_is_noted_before_the_job_is_submitted(
    service: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Notebook, "capabilities", replace(Notebook.capabilities, price_call=True))
    monkeypatch.setattr(Notebook, "estimate_usd", lambda self, endpoint, run: 4.2)
    job = launch()
    visit(job.task_id)
    assert "Notebook estimates $4.20." in [event.message for event in tasks.events(job.task_id)]


def test_an_unknown_status_counts_as_running(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.job(state="running", word="warming_up", known=False)
    assert "Notebook says “warming_up”" in visit(job.task_id).message
    facts = jobs.get_job(job.id).hosted
    assert facts is not None
    assert facts.status == "running (provider says “warming_up”)"


def test_a_service_that_fails_for_hours_is_waited_for(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.fail("status", *[("It is down.", "server")] * 9)
    pauses = []
    for _ in range(9):
        waiting = visit(job.task_id)
        assert waiting.state == "queued"
        pauses.append(round((waiting.not_before or 0) - waiting.updated_at))
    assert pauses[:3] == [60, 120, 240]
    assert max(pauses) == 900
    facts = jobs.get_job(job.id).hosted
    assert facts is not None
    assert facts.trouble.startswith("It is down.")
    told = [event.message for event in tasks.events(job.task_id) if event.kind == "recovery"]
    assert len(told) == 1  # not one for each try
    visit(job.task_id)
    assert tasks.events(job.task_id)[-1].message == "Cloud responds again."
    assert jobs.get_job(job.id).hosted.trouble == ""  # type: ignore[union-attr]


def test_a_revoked_key_is_waited_for_once_the_job_is_there(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.fail("status", ("The endpoint rejected the key.", "key"))
    assert visit(job.task_id).state == "queued"


def test_a_wrong_key_fails_a_job_that_nobody_has_seen(service: Notebook) -> None:
    job = launch()
    service.fail("upload", ("The endpoint rejected the key.", "key"))
    failed = visit(job.task_id)
    assert failed.state == "failed"
    assert failed.error["message"] == "The endpoint rejected the key."
    assert failed.error["remedy"]


def test_a_submission_whose_answer_was_lost_is_looked_up(service: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_POLL_S", "0.01")
    job = launch()
    submit = service.submit

    def lost(*arguments: object) -> str:
        submit(*arguments)  # type: ignore[arg-type]
        raise TimeoutError

    monkeypatch.setattr(service, "submit", lost)
    failed = visit(job.task_id)
    assert failed.state == "failed"
    monkeypatch.setattr(service, "submit", submit)
    jobs.request(job.id, "retry")
    assert visit(job.task_id).state == "queued"
    assert len(service.read()["jobs"]) == 1


def test_a_submission_is_repeated_only_after_it_had_time_to_arrive(
    service: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = launch()
    service.fail("submit", ("It took too long.", "timeout"))
    assert visit(job.task_id).state == "validating"
    waiting = visit(job.task_id)
    assert waiting.waits_until is not None
    assert service.calls.count("submit") == 1
    monkeypatch.setenv("SFT_POLL_S", "0.0001")
    assert visit(job.task_id).state == "queued"
    assert service.calls.count("submit") == 2
    assert len(service.read()["jobs"]) == 1


def test_cancel_before_the_first_visit_sends_nothing(service: Notebook) -> None:
    job = launch()
    assert jobs.request(job.id, "cancel").state == "cancelled"
    assert service.calls == ["base_models"]


def test_cancel_reaches_the_service(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.fail("cancel", ("It is down.", "server"))
    assert jobs.request(job.id, "cancel").command == "cancel"
    waiting = visit(job.task_id, due=False)
    assert (waiting.state, waiting.command) == ("queued", "cancel")
    assert waiting.waits_until is not None  # it does not ask a service that is down again and again
    assert visit(job.task_id).state == "cancelled"
    assert service.job()["state"] == "cancelled"


def test_pause_and_resume_reach_the_service(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.job(state="running", word="training")
    visit(job.task_id)
    jobs.request(job.id, "pause")
    assert visit(job.task_id, due=False).state == "paused"
    assert service.job()["state"] == "paused"
    assert jobs.request(job.id, "resume").state == "pending"
    assert visit(job.task_id).state == "running"
    assert service.job()["state"] == "running"
    jobs.request(job.id, "pause")
    visit(job.task_id, due=False)
    jobs.request(job.id, "cancel")
    assert visit(job.task_id, due=False).state == "cancelled"
    assert service.job()["state"] == "cancelled"
    with pytest.raises(InvalidTransition):
        jobs.request(job.id, "stop")


def test_a_job_that_failed_there_says_why_and_a_retry_is_another_submission(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.job(state="failed", word="error", error="The file has no examples.")
    failed = visit(job.task_id)
    assert failed.error["message"] == "Cloud reports: The file has no examples."
    jobs.request(job.id, "retry")
    assert visit(job.task_id).state == "queued"
    assert sorted(service.read()["jobs"]) == ["remote-0", "remote-1"]
    assert len({one["intent"] for one in service.read()["jobs"].values()}) == 2


def test_a_job_that_vanished_there_fails_after_some_looks(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    service.fail("status", *[("The service does not know this job.", "gone")] * 3)
    assert [visit(job.task_id).state for _ in range(3)] == ["queued", "queued", "failed"]
    failed = jobs.get_job(job.id)
    assert failed.error["message"] == "Cloud no longer knows this job (remote-0)."


def test_a_deleted_connection_is_said(service: Notebook) -> None:
    job = launch()
    visit(job.task_id)
    connection_id = job.spec.hosted.connection_id  # type: ignore[union-attr]
    with pytest.raises(Conflict, match="trains “Items - small - v1”"):
        connections.delete(connection_id)
    with UnitOfWork() as uow:  # as an older release would
        uow.execute(delete(CONNECTIONS).where(CONNECTIONS.c.id == connection_id))
        uow.commit()
    failed = visit(job.task_id)
    assert failed.state == "failed"
    assert "“Cloud” was deleted" in failed.error["message"]
    assert "remote-0" in failed.error["message"]


def test_sync_visits_now(service: Notebook) -> None:
    job = launch()
    assert visit(job.task_id).waits_until is not None
    jobs.sync(job.id)
    service.job(state="running", word="training")
    assert visit(job.task_id, due=False).state == "running"


def test_what_a_service_cannot_do_is_refused_before_launch(service: Notebook) -> None:
    with pytest.raises(SettingsError, match="does not train the base model 'huge'"):
        launch(base_model="huge")
    connection = hosted.training_connections()[0].id
    dataset = make_dataset("Few", count=11)
    given = {"dataset_id": dataset.id, "base_model": "small", "name": "", "draft_key": None}
    with pytest.raises(DataError, match="at least 12 training examples"):
        jobs.create(method="lora", connection=connection, **given)
    dataset = make_dataset("Enough")
    given["dataset_id"] = dataset.id
    with pytest.raises(SettingsError, match="with full"):
        jobs.create(method="full", connection=connection, **given)
    with pytest.raises(SettingsError) as refused:
        jobs.create(method="lora", connection=connection, hyperparameters={"n_epochs": 99}, **given)
    assert refused.value.field == "n_epochs"
    with pytest.raises(SettingsError, match="needs a connection"):
        jobs.create(method="lora", provider="notebook", **given)


def test_a_planned_job_waits_for_its_time(service: Notebook) -> None:
    job = launch(start_at=time.time() + 3600)
    assert job.starts_at is not None
    assert job.waiting_reason is not None
    assert job.waiting_reason.startswith("Starts on")
    visit(job.task_id, due=False)
    assert service.calls == ["base_models"]
    jobs.sync(job.id)
    assert visit(job.task_id, due=False).state == "queued"
