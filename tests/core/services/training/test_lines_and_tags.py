"""Versions of one model, and their tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DataError
from core.services.platform.listing import View
from core.services.training import models
from core.services.training.models import LISTING
from tests.support.jobs import launch, make_dataset, succeed


@pytest.fixture
def adapter(studio_env: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


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
