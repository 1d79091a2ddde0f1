"""Versions of one model, their tags, and what was measured on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DataError
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.lease import acquire
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.results import TaskResult
from core.services.platform.listing import View
from core.services.training import models
from core.services.training.models import LISTING, ModelRecord
from core.services.training.results import ExactMatchResult, ExactShares, SplitCount, SplitTestResult, TestedQuestion
from tests.support.jobs import launch, make_dataset, succeed


@pytest.fixture
def adapter(studio_env: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


def ended(task: TaskRecord, result: TaskResult) -> None:
    lease = acquire(task.id, "test")
    assert lease is not None
    TaskContext(lease).finish(Outcome("succeeded", result=result))


def versions_of(found: tuple[object, list[models.ModelLine]]) -> list[list[str]]:
    return [[model.name for model in line.versions] for line in found[1]]


def test_models_of_one_dataset_and_base_are_versions_of_one(adapter: Path) -> None:
    items, others = make_dataset(), make_dataset("Others")
    first = succeed(launch(items, name="Items v1"), adapter)
    other = succeed(launch(others, name="Others v1"), adapter)
    second = succeed(launch(items, name="Items v2", method="full"), adapter)
    assert first.line_id == second.line_id != other.line_id
    assert [model.version for model in (first, other, second)] == [1, 1, 2]
    assert versions_of(models.look_up(View())) == [["Items v2", "Items v1"], ["Others v1"]]
    assert [model.id for model in models.versions(first.line_id)] == [second.id, first.id]


def test_a_job_that_follows_another_continues_its_line(adapter: Path) -> None:
    items, others = make_dataset(), make_dataset("Others")
    first = succeed(launch(items), adapter)
    failed = launch(others, parent_job_id=first.job_id)  # has no model
    third = succeed(launch(others, parent_job_id=failed.id), adapter)
    assert (third.line_id, third.version) == (first.line_id, 2)
    after = succeed(launch(others), adapter)
    assert after.line_id == first.line_id, "the newest model of that dataset is of this line"


def test_every_version_is_found_and_stands_in_front(adapter: Path) -> None:
    items = make_dataset()
    first, second = (succeed(launch(items, name=f"Items v{n}"), adapter) for n in (1, 2))
    models.set_tags(first.id, ["production"])
    for view in (View(search="v1"), View(search="production"), View(chosen={"tag": "production"})):
        found, (line,) = models.look_up(view)
        assert (line.front.id, [model.id for model in line.others]) == (first.id, [second.id])
        assert (found.total, found.sums) == (1, {"versions": 1})
    assert models.look_up(View())[1][0].front.id == second.id


def test_a_line_is_archived_and_restored_with_all_versions(adapter: Path) -> None:
    items = make_dataset()
    first, second = (succeed(launch(items), adapter) for _ in range(2))
    models.archive([second.id])
    (line,) = models.look_up(View())[1]
    assert (line.front.id, len(line.versions)) == (first.id, 2)
    assert models.look_up(View())[0].archived == 1
    assert models.archive_lines([first.line_id]) == 1
    assert models.list_models() == []
    assert models.archive_lines([first.line_id]) == 0
    assert models.restore_lines([first.line_id]) == 1
    assert len(models.list_models()) == 2


def test_a_deleted_version_names_the_later_ones_and_takes_its_tags_along(adapter: Path) -> None:
    items = make_dataset()
    first, second = (succeed(launch(items, name=f"Items v{n}"), adapter) for n in (1, 2))
    assert models.dependents(first.id).models == (second.name,)
    models.set_tags(first.id, ["old"])
    models.delete(first.id, first.name)
    assert models.all_tags() == []
    assert succeed(launch(items), adapter).version == 3


def test_tags_are_short_words(adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    assert models.set_tags(model.id, [" Production ", "#v2.1", "production"]).tags == ("production", "v2.1")
    assert models.add_tags(model.id, ["Größe_1"]).tags == ("grösse_1", "production", "v2.1")
    assert models.remove_tags(model.id, ["V2.1", "not-there"]).tags == ("grösse_1", "production")
    assert models.all_tags() == ["grösse_1", "production"]
    assert models.look_up(View())[0].counts["tag"] == {"grösse_1": 1, "production": 1}
    assert "tag" in {one.id for one in LISTING.filters}


def test_what_is_not_a_short_word_is_refused(adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    for tag in ("", "  ", "two words", "a" * 25, "x\0", "<b>", "a,b"):
        with pytest.raises(DataError):
            models.add_tags(model.id, [tag])
    with pytest.raises(DataError):
        models.set_tags(model.id, [f"tag{n}" for n in range(models.MOST_TAGS + 1)])
    assert models.get_model(model.id).tags == ()


def scores(model: ModelRecord) -> list[tuple[str, float, float, int, bool]]:
    return [(one.title, one.tuned, one.base, one.total, one.main) for one in models.scores(model)]


def test_scores_are_those_of_the_newest_finished_tests(adapter: Path) -> None:
    model, other = (succeed(launch(make_dataset(name), name=name), adapter) for name in ("One", "Two"))
    assert models.scores(model) == ()
    for tuned in (0.5, 0.7):
        shares = ExactShares(0.9, tuned)
        ended(
            models.test(model.id), ExactMatchResult(base=ExactShares(0.0, 0.1), tuned=shares, counts=SplitCount(8, 4))
        )
    models.test(model.id)  # not finished: the last finished one counts
    assert scores(model) == [
        ("Held-out examples", 0.7, 0.1, 4, True),
        ("Training examples", 0.9, 0.0, 8, False),
    ]
    assert models.scores_of([model, other]) == {model.id: models.scores(model), other.id: ()}


def test_the_test_split_is_one_score_over_all_parts_and_each_figure(adapter: Path) -> None:
    model = succeed(launch(make_dataset()), adapter)
    answers = (("a", '{"x": 1}'), ("a", '{"x": 2}'), ("b", '{"x": 1}'), ("b", "no"))
    questions = [TestedQuestion("test", "?", '{"x": 1}', "no", tuned, part) for part, tuned in answers]
    ended(models.test_on_split(model.id), SplitTestResult(questions=tuple(questions)))
    assert scores(model)[0] == ("Test split: All fields right", 0.5, 0.0, 4, True)
    parts = {(one.title, one.part): (one.tuned, one.total) for one in models.scores(model) if one.part}
    assert parts["Valid JSON", "b"] == (0.5, 2)
    assert parts["All fields right", "a"] == (0.5, 2)
