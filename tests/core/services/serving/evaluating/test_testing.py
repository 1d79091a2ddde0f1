"""The one-click test of a model: which examples it asks, one at a time, and its report."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DataError
from core.messages import Example, Message
from core.services.data import datasets
from core.services.platform import tasks
from core.services.serving import evaluating
from core.services.serving.evaluating import Contestant, contestants, testing
from core.services.training import jobs, models
from tests.support import evaluations as planted
from tests.support.jobs import finish, launch, make_dataset, succeed


@pytest.fixture
def adapter(studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    monkeypatch.setattr(
        contestants, "find", lambda typed: Contestant(typed, typed, "tuned")
    )  # the starter is not built
    return folder


def some(count: int) -> list[Example]:
    return [Example((Message("user", f"{at}?"), Message("assistant", f"Word {at}"))) for at in range(count)]


def test_there_is_one_test_at_a_time(adapter: Path) -> None:
    model = succeed(launch(make_dataset(validation=3)), adapter)
    first, second = testing.start(model.id), testing.start(model.id)
    assert first.id == second.id
    assert [one.id for one in first.models] == [model.id, "starter"]
    running = testing.running(model.id)
    assert running is not None
    assert (running.id, running.title) == (first.task_id, f"Test “{model.name}”")
    finish(first.task_id)
    assert testing.running(model.id) is None
    assert testing.start(model.id).id != first.id
    assert len(tasks.list_tasks(kind="evaluation")) == 2


@pytest.mark.parametrize(
    ("parts", "split", "text"),
    [((10, 3, 5), "test", "5 examples"), ((10, 3, 0), "validation", "3 examples"), ((10, 0, 0), "train", "10 examples"),
     ((10, 0, 401), "test", "the first 400 of 401 examples")],
)  # fmt: skip
def test_what_the_training_did_not_see_is_asked(
    adapter: Path, parts: tuple[int, int, int], split: str, text: str
) -> None:
    train, validation, test = map(some, parts)
    model = succeed(launch(datasets.create_dataset("Words", train, validation, test=test)), adapter)
    plan = testing.plan(model)
    assert (plan.split, plan.text) == (split, text)
    assert testing.start(model.id).split == split


def test_without_its_dataset_a_model_is_not_tested(adapter: Path) -> None:
    dataset = make_dataset()
    model = succeed(launch(dataset), adapter)
    datasets.delete(dataset.id, dataset.name)
    assert testing.plan(models.get_model(model.id)).split == ""
    with pytest.raises(DataError, match="was deleted"):
        testing.start(model.id)


def test_a_test_waits_for_the_model_of_its_job(adapter: Path) -> None:
    job = launch(make_dataset(validation=3))
    waiting = testing.start_after(job, "validation")
    assert tasks.get_task(waiting.task_id).after_task_id == job.task_id
    model = succeed(job, adapter)
    assert waiting.models[0].id == model.id
    running = testing.running(model.id)
    assert running is not None
    assert running.id == waiting.task_id


def test_the_report_has_the_answers_of_both_models_by_part(adapter: Path) -> None:
    model = succeed(launch(datasets.create_dataset("Words", some(10), some(2))), adapter)
    done = planted.measured(model, planted.right_up_to(train=2, validation=1), split="", main="exact_match")
    trained, held_out = evaluating.report(done)
    assert [(part.part, [one.tuned.right for one in part.figures]) for part in (trained, held_out)] == [
        ("train", [2]), ("validation", [1]),
    ]  # fmt: skip
    assert [question.asked.tuned for question in trained.questions[:3]] == ["Word 0", "Word 1", "no idea"]
    assert evaluating.answered_right(model.id) == {("train", "0?"), ("train", "1?"), ("validation", "0?")}
    unfinished = testing.start_after(jobs.get_job(model.job_id), "")
    assert evaluating.report(unfinished) == ()
