"""Rename, archive, restore and delete: datasets, jobs, models and tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import Conflict, DataError, NotFound, SettingsError
from core.platform.db.listing import View
from core.platform.db.tables import ChatConversation, ChatTurn
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.services.data import datasets
from core.services.platform import task_list, tasks
from core.services.serving.evaluating import testing
from core.services.training import jobs, metrics, models
from core.services.training.models import ModelRecord
from tests.support import runs

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture
def model(tmp_path: Path) -> ModelRecord:
    return runs.succeed(runs.launch(runs.dataset("Support"), "Support v1"), tmp_path / "adapter")


def test_a_dataset_is_renamed_unless_another_one_has_the_name() -> None:
    first, second = runs.dataset("Support"), runs.dataset("Other")
    assert datasets.rename(first.id, " Support, June ").name == "Support, June"
    assert datasets.rename(first.id, "Support, June").name == "Support, June"
    with pytest.raises(Conflict, match="Support, June"):
        datasets.rename(second.id, "Support, June")
    with pytest.raises(DataError):
        datasets.rename(second.id, "two\nlines")
    with pytest.raises(NotFound):
        datasets.rename("ds_none", "x")


def test_an_archived_dataset_is_offered_nowhere_and_comes_back() -> None:
    first, second = runs.dataset("Support"), runs.dataset("Other")
    assert datasets.archive([first.id, first.id, "ds_none"]) == 1
    assert [item.id for item in datasets.list_datasets()] == [second.id]
    assert len(datasets.list_datasets(include_archived=True)) == 2
    found, shown = datasets.look_up(View(archived=True))
    assert [item.id for item in shown] == [first.id]
    assert found.sums["examples"] == first.examples
    with pytest.raises(Conflict, match="Support"):  # its name is still taken
        datasets.rename(second.id, "Support")
    assert datasets.restore([first.id]) == 1
    assert len(datasets.list_datasets()) == 2


def test_the_list_of_datasets_finds_by_name_state_and_origin() -> None:
    runs.dataset("Support")
    found, shown = datasets.look_up(View(search="supp", chosen={"state": "validated", "origin": "sample"}))
    assert [item.name for item in shown] == ["Support"]
    assert found.counts["state"] == {"validated": 1}
    assert datasets.look_up(View(chosen={"state": "failed"}))[1] == []


def test_renaming_a_job_renames_its_task_and_not_its_model(model: ModelRecord) -> None:
    renamed = jobs.rename(model.job_id, "  First   run ")
    assert renamed.name == "First run"
    assert "First run" in tasks.get_task(renamed.task_id).title
    assert models.get_model(model.id).name == model.name
    with pytest.raises(SettingsError, match="1 to 120"):
        jobs.rename(model.job_id, " ")


def test_only_a_job_that_has_ended_is_archived(model: ModelRecord) -> None:
    waiting = runs.launch(datasets.get_dataset(model.dataset_id), "Second run")
    assert jobs.archive([model.job_id, waiting.id]) == 1
    assert [job.id for job in jobs.list_jobs()] == [waiting.id]
    assert jobs.count_jobs().total() == 1
    assert jobs.get_job(model.job_id).archived_at is not None
    assert [job.id for job in jobs.look_up(View(archived=True))[1]] == [model.job_id]
    assert jobs.restore([model.job_id]) == 1


def test_a_deleted_job_leaves_its_model_which_still_knows_its_settings(model: ModelRecord) -> None:
    job = jobs.get_job(model.job_id)
    found = jobs.dependents(job.id)
    assert (found.models, found.unfinished) == ((model.name,), ())
    assert model.name in found.text
    with pytest.raises(Conflict, match="not the name"):
        jobs.delete(job.id, "another")
    jobs.delete(job.id, job.name)
    with pytest.raises(NotFound):
        jobs.get_job(job.id)
    assert jobs.list_jobs(include_archived=True) == []
    assert metrics.since(job.id) == []
    assert models.get_model(model.id).job_deleted
    assert jobs.get_job(job.id, with_deleted=True).spec == job.spec
    again = runs.launch(datasets.get_dataset(model.dataset_id), job.name)
    assert jobs.find_job(job.name).id == again.id


def test_a_job_that_has_not_ended_is_not_deleted() -> None:
    job = runs.launch(runs.dataset())
    assert jobs.dependents(job.id).unfinished == (job.name,)
    with pytest.raises(Conflict, match="pending"):
        jobs.delete(job.id, job.name)


def test_conversations_with_a_model_are_counted_before_it_is_deleted(model: ModelRecord) -> None:
    with UnitOfWork() as uow:
        uow.session.add(ChatConversation(id="chat_1", title="Parcels"))
        uow.session.flush()
        for position in (0, 1):
            uow.session.add(
                ChatTurn(
                    id=f"turn_{position}", conversation_id="chat_1", position=position, role="assistant",
                    model_id=model.id,
                )
            )  # fmt: skip
        uow.commit()
    assert "1 conversation of Chat" in models.dependents(model.id).text


def test_a_deleted_model_takes_its_files_along_and_leaves_its_job(model: ModelRecord) -> None:
    assert get_storage().list(model.path)
    with pytest.raises(Conflict, match="not the name"):
        models.delete(model.id, "another")
    models.delete(model.id, model.name)
    assert get_storage().list(model.path) == []
    with pytest.raises(NotFound):
        models.get_model(model.id)
    job = jobs.get_job(model.job_id)
    assert (job.model_id, job.state) == (None, "succeeded")


def test_a_model_under_test_is_not_deleted(model: ModelRecord) -> None:
    test = tasks.get_task(testing.start_after(jobs.get_job(model.job_id), "train").task_id)
    assert models.dependents(model.id).unfinished == (test.title,)
    with pytest.raises(Conflict, match="unfinished task"):
        models.delete(model.id, model.name)
    tasks.request(test.id, "cancel")
    models.delete(model.id, model.name)


def test_the_list_of_models_is_searched_by_dataset_and_sorted_by_loss(model: ModelRecord) -> None:
    assert [item.id for item in models.look_up(View(search="support", sort="loss"))[1]] == [model.id]
    assert models.look_up(View(archived=True))[1] == []
    assert models.look_up(View(chosen={"method": "full"}))[1] == []


def test_a_finished_task_links_to_what_it_made(model: ModelRecord) -> None:
    training = tasks.get_task(jobs.get_job(model.job_id).task_id)
    link = task_list.made([training])[training.id]
    assert (link.screen, link.query, link.title) == ("models", {"id": model.id}, model.name)
    test = tasks.get_task(testing.start_after(jobs.get_job(model.job_id), "train").task_id)
    assert task_list.made([test]) == {}, "it has not ended"
    starter = tasks.list_tasks(kind="starter")
    assert [link.query for link in task_list.made(starter).values()] == [{"model": "starter"}]
    tasks.request(test.id, "cancel")
    models.delete(model.id, model.name)
    assert task_list.made([training]) == {}, "a model that was deleted is no place to go"


def test_only_tasks_that_have_ended_are_archived() -> None:
    job = runs.launch(runs.dataset())
    ended = tasks.list_tasks(kind="starter")[0]
    assert task_list.archive([ended.id, job.task_id]) == 1
    assert [task.id for task in task_list.look_up(View())[1]] == [job.task_id]
    assert [task.id for task in task_list.look_up(View(archived=True))[1]] == [ended.id]
    assert task_list.restore([ended.id]) == 1
