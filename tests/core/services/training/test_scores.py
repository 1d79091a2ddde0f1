"""The scores of models: of the newest evaluation of their dataset, the test split before all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.messages import Example, Message
from core.services.data import datasets
from core.services.serving import evaluating, model_card
from core.services.serving.evaluating import EvaluationSettings
from core.services.serving.evaluating.starting import create
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.evaluations.records import Contestant
from core.serving.model_formats import MODEL_FORMATS
from tests.support import evaluations as planted
from tests.support.jobs import launch, make_dataset, succeed


@pytest.fixture
def adapter(studio_env: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


def model_of(adapter: Path, *, test: int = 0, validation: int = 4) -> ModelRecord:
    """A model on a dataset with 10 training examples, whose outputs are words of their own."""

    def some(split: str, count: int) -> list[Example]:
        return [
            Example((Message("user", f"{split} {at}?"), Message("assistant", f"{split} {at}"))) for at in range(count)
        ]

    made = datasets.create_dataset("Words", some("train", 10), some("validation", validation), test=some("test", test))
    return succeed(launch(made), adapter)


def scores(model: ModelRecord) -> list[tuple[str, str, str, int, bool]]:
    found = models.scores(model)
    return [(one.title, one.tuned.text, one.base.text if one.base else "", one.tuned.total, one.main) for one in found]


def test_the_newest_ended_evaluation_counts(adapter: Path) -> None:
    model, other = model_of(adapter), succeed(launch(make_dataset("Items"), name="Items"), adapter)
    assert models.scores(model) == ()
    for right in (2, 3):
        planted.measured(model, planted.right_up_to(validation=right), planted.right_up_to(validation=1))
    evaluating.testing.start_after(planted.jobs.get_job(model.job_id), "validation")  # has not ended
    assert scores(model)[0] == ("Held-out examples: Exact match", "75.0%", "25.0%", 4, True)
    assert models.scores_of([model, other]) == {model.id: models.scores(model), other.id: ()}


def test_of_an_evaluation_of_all_examples_the_held_out_ones_are_the_score(adapter: Path) -> None:
    model = model_of(adapter)
    answers = planted.right_up_to(train=10, validation=3)
    done = planted.measured(model, answers, split="", main="exact_match")
    assert scores(model)[:2] == [
        ("Held-out examples: Exact match", "75.0%", "0.0%", 4, True),
        ("Training examples: Exact match", "100.0%", "0.0%", 10, False),
    ]
    assert {one.evaluation_id for one in models.scores(model)} == {done.id}


def test_the_test_split_comes_before_all_others_and_an_archived_evaluation_does_not_count(adapter: Path) -> None:
    model = model_of(adapter, test=5)
    first = planted.measured(model, planted.right_up_to(test=4))
    planted.measured(model, planted.right, split="train")
    assert [score[:2] for score in scores(model)[:2]] == [
        ("Test split: Exact match", "80.0%"),
        ("Training examples: Exact match", "100.0%"),
    ]
    evaluating.archive([first.id])
    assert scores(model)[0][:2] == ("Training examples: Exact match", "100.0%")


def test_the_merged_model_has_the_score_of_its_adapter_and_a_missing_base_is_left_out(adapter: Path) -> None:
    model = model_of(adapter)
    merged = Contestant(f"{model.id}:merged", "Merged", "tuned")
    begun = create((merged,), model.manifest["spec"]["dataset_version_id"], "validation", (), EvaluationSettings())
    planted.answered(begun, {merged.id: planted.right})
    assert scores(model)[0] == ("Held-out examples: Exact match", "100.0%", "", 4, True)
    card = model_card.card(model, MODEL_FORMATS.get("adapter"))
    assert "- Held-out examples: Exact match: 100.0%, of 4 answers." in card


def test_an_evaluation_on_another_dataset_is_not_the_score(adapter: Path) -> None:
    model = model_of(adapter)
    tuned = Contestant(model.id, model.name, "tuned")
    begun = create((tuned,), planted.dataset().version.id, "test", (), EvaluationSettings())
    planted.answered(begun, {tuned.id: planted.right})
    assert models.scores(model) == ()


def test_the_test_split_is_one_score_over_all_sources_and_each_figure(adapter: Path) -> None:
    asked = [
        Example((Message("user", f"{at}?"), Message("assistant", '{"x": 1}')), source=source)
        for at, source in enumerate("aabbcccccccccc")
    ]
    model = succeed(launch(datasets.create_dataset("Objects", asked[4:], test=asked[:4])), adapter)
    texts = ['{"x": 1}', '{"x": 2}', '{"x": 1}', "no"]
    planted.measured(model, lambda question, repeat: texts[int(question.text[0])])
    assert scores(model)[0] == ("Test split: All fields right", "50.0%", "0.0%", 4, True)
    parts = {(one.title, one.part): (one.tuned.value, one.tuned.total) for one in models.scores(model) if one.part}
    assert parts["Valid JSON", "b"] == (0.5, 2)
    assert parts["All fields right", "a"] == (0.5, 2)
