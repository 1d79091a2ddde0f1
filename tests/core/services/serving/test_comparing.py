"""Inputs for a comparison: which datasets are offered, what of an example is sent, and who was trained on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.editing import DropRows
from core.data.samples import load_sample
from core.messages import Example, Message
from core.services.data import datasets
from core.services.data.datasets import edits
from core.services.serving import comparing
from core.services.serving.comparing import ComparedInput
from tests.support import runs

TURNS = (
    Message("system", "Be kind."),
    Message("user", "First?"),
    Message("assistant", "One."),
    Message("user", "Second?"),
    Message("assistant", "Two."),
)
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


@pytest.fixture
def data(studio_env: Path) -> datasets.DatasetRecord:
    tool = (TURNS[1], Message("assistant", "", tool_calls=(CALL,)), Message("tool", "x", tool_call_id="c1"), TURNS[4])
    return datasets.create_dataset("Turns", [Example(TURNS), Example(tool), *load_sample().train])


def test_an_example_is_sent_up_to_its_last_answer(data: datasets.DatasetRecord) -> None:
    asked = comparing.example_at(data.version.id, 0)
    assert asked is not None
    assert asked.messages == TURNS[:4]
    assert (asked.question, asked.expected, asked.position) == ("Second?", "Two.", 0)
    assert comparing.example_at(data.version.id, 1) is None, "chat offers no tools"
    assert comparing.example_at(data.version.id, 1_000_000) is None
    split = asked.split or "train"
    found, total = comparing.examples_of(data.version.id, split, "second?")
    assert ([one.position for one in found], total) == ([0], 1)


def test_the_datasets_of_the_models_come_first_also_in_an_older_version(
    data: datasets.DatasetRecord, tmp_path: Path
) -> None:
    older = runs.dataset("Support")
    model = runs.succeed(runs.launch(older), tmp_path / "adapter")
    datasets.create_dataset("Newest", load_sample().train)
    edits.apply(older.id, DropRows(positions=(0,)), base_version_id=older.version.id)
    titles = [source.title for source in comparing.sources([model.id, "starter"])]
    assert titles[0] == "Support (v1)"
    assert sorted(titles[1:]) == ["Newest", "Support (v2)", "Turns"]


def test_whether_a_model_was_trained_on_an_input(data: datasets.DatasetRecord, tmp_path: Path) -> None:
    trained = runs.dataset("Support")
    model = runs.succeed(runs.launch(trained), tmp_path / "adapter")
    version = trained.version.id

    def knows(asked: ComparedInput) -> str:
        return comparing.knows(model.id, asked)

    (seen, *_), _ = comparing.examples_of(version, "train")
    (unseen, *_), _ = comparing.examples_of(version, "validation")
    (other, *_), _ = comparing.examples_of(data.version.id, "train")
    assert [knows(one) for one in (seen, unseen, other)] == ["trained", "held_out", "other"]
    assert knows(comparing.typed("Hello?")) == "other"
    assert comparing.knows("starter", seen) == "base"
