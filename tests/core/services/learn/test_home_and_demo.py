from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.errors import DataError, NotFound
from core.platform.db.tables import Correction
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.data import datasets
from core.services.learn import demo, home
from core.services.platform import tasks
from core.services.serving import chat, evaluating
from core.services.training import jobs, models
from tests.support import evaluations as planted
from tests.support.jobs import begin, finish, launch, make_dataset, succeed


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    directory = tmp_path / "adapter"
    directory.mkdir()
    (directory / "adapter_model.safetensors").write_bytes(b"weights")
    return directory


def done() -> set[str]:
    return {step.id for step in home.overview().journey if step.done}


def test_an_empty_studio(studio_env: Path) -> None:
    now = home.overview()
    assert now.is_empty
    assert (now.datasets, now.jobs, now.models, now.examples) == (0, 0, 0, 0)
    assert now.activity == ()
    assert done() == set()
    assert now.examples_series == (0,) * home.DAYS


def test_the_journey_ticks_itself_from_real_state(studio_env: Path, adapter: Path) -> None:
    dataset = make_dataset(count=12, validation=2)
    assert done() == {"prepare", "validate"}
    job = launch(dataset)
    model = succeed(job, adapter)
    assert done() == {"prepare", "validate", "train", "deploy"}
    with UnitOfWork() as uow:
        store.event(uow, job.task_id, "chat", "first answer")
        uow.commit()
    assert "test" in done()
    models.archive([model.id])
    assert "deploy" not in done()
    succeed(launch(make_dataset("Others"), name="Others - v1"), adapter)  # another dataset: nothing was repeated
    assert "retrain" not in done()
    again = jobs.create(**(jobs.choices_of(job.id) | {"name": "Again"}), parent_job_id=job.id, draft_key=None)
    succeed(again, adapter)
    assert "retrain" in done()
    assert "feedback" not in done()
    with UnitOfWork() as uow:
        uow.session.add(Correction(id="corr_1", turn_id="turn_1", conversation_id="conv_1", snapshot={}))
        uow.commit()
    assert "feedback" in done()
    now = home.overview()
    assert (now.datasets, now.examples, now.jobs, now.models, now.active_models) == (2, 34, 3, 3, 2)
    assert now.ready_text == "2 ready for supervised learning"
    assert now.jobs_by_state["succeeded"] == 3
    assert now.examples_series[-1] == 34
    assert {entry.kind for entry in now.activity} >= {"job", "model"}
    assert [entry.at for entry in now.activity] == sorted((entry.at for entry in now.activity), reverse=True)


def test_two_clicks_begin_one_demo(database: str) -> None:
    barrier = threading.Barrier(3)
    found: list[str] = []

    def click() -> None:
        barrier.wait()
        found.append(demo.start().id)

    threads = [threading.Thread(target=click) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["demo_1"] * 3
    assert len(datasets.list_datasets()) == 1
    assert sorted(task.kind for task in tasks.list_tasks()) == ["evaluation", "starter", "training"]


def ask_both(record: demo.DemoRecord, tuned: planted.Answers) -> None:
    """Let both models answer the test of a demo, the base always wrong, and end it."""
    (task,) = tasks.list_about("evaluation", job_id=record.job_id or "")
    begun = evaluating.get(task.payload["evaluation_id"])
    planted.answered(begun, {begun.models[0].id: tuned, begun.models[1].id: planted.wrong})
    finish(task.id)


def test_the_demo_shows_unseen_tickets_by_part(studio_env: Path, adapter: Path) -> None:
    record = demo.start()
    assert (record.sample, record.base_model, record.report) == ("tickets", "starter", ())
    job = jobs.get_job(record.job_id or "")
    assert (job.examples, job.num_epochs) == (360, 16)
    model = succeed(job, adapter)
    last = demo.sample("tickets").test[-1].messages[0].content
    ask_both(record, lambda question, _: '{"team": "none"}' if question.text == last else question.expected)
    record = demo.status(record.id)
    assert (record.state, record.tested, record.by_split) == ("done", True, False)
    assert record.steps[-1].detail == "120 examples asked, of which the training saw none."
    assert [part.part for part in record.report] == list(demo.sample("tickets").parts)
    known, unseen = record.report
    assert [figure.tuned.value for figure in known.figures] == [1.0] * 5
    assert [figure.base.value for figure in known.figures] == [0.0] * 5
    assert [figure.tuned.right for figure in unseen.figures] == [60, 59, 59, 59, 59]
    assert known.tuned_matrix
    assert known.tuned_matrix.labels == ("account", "billing", "shipping", "technical")
    assert [question.tuned_right for question in unseen.questions].count(False) == 1
    assert demo.newest_result("tickets") == record
    assert demo.newest_result("support") is None
    assert demo.current() == demo.start() == record

    again = planted.measured(model, planted.right)
    assert [part.figures[-1].tuned.right for part in demo.status(record.id).report] == [60, 60], "the newest one"
    evaluating.archive([again.id])
    assert demo.status(record.id) == record

    ideas = chat.suggestions(model.id, 6)
    assert [idea.split for idea in ideas] == ["train"] * 3 + ["test"] * 3
    assert ideas[3].question == unseen.questions[0].asked.question


def test_a_base_that_is_away_is_refused_and_starts_nothing(studio_env: Path) -> None:
    with pytest.raises(DataError, match="SmolLM2 135M is not on this machine"):
        demo.start(base_model=demo.REAL)
    assert demo.current() is None


def test_each_sample_has_its_own_demo(studio_env: Path) -> None:
    tickets = demo.start()
    facts = demo.start(sample_id="support")
    assert tickets.id != facts.id
    assert demo.start(sample_id="support") == facts
    assert demo.start() == tickets
    with pytest.raises(NotFound, match="Unknown sample dataset: 'poems'"):
        demo.start(sample_id="poems")


def test_the_demo_follows_its_tasks_to_the_end(studio_env: Path, adapter: Path) -> None:
    record = demo.start(sample_id="support")
    assert [(step.id, step.state) for step in record.steps] == [
        ("dataset", "done"),
        ("starter", "waiting"),
        ("training", "waiting"),
        ("test", "waiting"),
    ]
    assert demo.current() == demo.start(sample_id="support")
    assert record.job_id
    job = jobs.get_job(record.job_id)
    succeed(job, adapter)
    record = demo.status(record.id)
    assert [step.state for step in record.steps] == ["done", "done", "done", "waiting"]
    assert record.model_id
    ask_both(record, planted.right_up_to(train=28, validation=3))
    record = demo.status(record.id)
    assert (record.state, record.by_split) == ("done", True)
    assert [(part.part, part.figures[-1].tuned.right) for part in record.report] == [("train", 28), ("validation", 3)]
    assert demo.start(sample_id="support").id == "demo_1"
    again = demo.start(sample_id="support", again=True)
    assert (again.id, again.state) == ("demo_2", "running"), again.error
    assert again.dataset_id == record.dataset_id
    assert again.job_id != record.job_id


def test_a_demo_that_failed_says_why_and_can_begin_again(studio_env: Path) -> None:
    record = demo.start()
    assert record.job_id
    begin(jobs.get_job(record.job_id))
    jobs.request(record.job_id, "cancel")
    from core.platform.tasks.recovery import crashed, settle

    task_id = jobs.get_job(record.job_id).task_id
    with UnitOfWork() as uow:
        crashed(uow, store.get_in(uow, task_id, lock=True), "killed")
        uow.commit()
    settle(task_id)
    record = demo.status(record.id)
    assert record.state == "failed"
    assert "cancelled" in record.error
    assert demo.start().id == "demo_2"


def test_a_demo_whose_evaluation_was_deleted_begins_again(studio_env: Path, adapter: Path) -> None:
    record = demo.start()
    succeed(jobs.get_job(record.job_id or ""), adapter)
    ask_both(record, planted.right)
    (task,) = tasks.list_about("evaluation", job_id=record.job_id or "")
    evaluation = evaluating.get(task.payload["evaluation_id"])
    evaluating.delete(evaluation.id, evaluation.name)
    failed = demo.status(record.id)
    assert (failed.state, failed.tested) == ("failed", False)
    assert "was deleted" in failed.error
    assert demo.start().id == "demo_2"
