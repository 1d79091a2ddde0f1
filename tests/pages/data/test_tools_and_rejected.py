"""Tools, the rejected answer and the test part on the screens of a dataset."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.data.editing import EditRows
from core.messages import Message
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord, edits as dataset_edits
from pages.data._datasets.editing import grid as dataset_grid
from pages.data._datasets.versions import diff
from tests.support.screens import part
from tests.support.versions import pair

TOOL = {"type": "function", "function": {"name": "look_up", "description": "A *place*.", "parameters": {}}}


@pytest.fixture
def pairs(studio_env) -> DatasetRecord:
    examples = [pair(f"Question {n}?", f"Answer {n}.", n + 1) for n in range(12)]
    examples[0] = replace(examples[0], tools=(TOOL,), rejected=(Message("assistant", "A *worse* answer."),))
    dataset = datasets.create_dataset("Pairs", examples)
    dataset_edits.apply(dataset.id, EditRows(splits={11: "test"}), base_version_id=dataset.version.id)
    return datasets.get_dataset(dataset.id)


def test_a_card_shows_the_tools_and_the_rejected_answer(pairs, open_screen, read) -> None:
    app = open_screen("datasets", id=pairs.id, view="Examples")
    card = part(app, "example_0")
    assert "TOOLS" in card
    assert "look\\_up" in card or "look_up" in card
    assert "REJECTED OUTPUT" in card
    assert "A *worse* answer." in card
    assert "1 for testing" in read(app)
    assert "REJECTED" not in part(app, "example_1")


def _editor(version_id: str) -> None:
    import streamlit as st

    from core.services.data import datasets
    from pages.data._datasets.editing import beside

    st.session_state["changed"] = beside.editor(datasets.examples_at(version_id, [0])[0])


def test_the_editor_changes_the_tools_and_the_rejected_answer(pairs) -> None:
    app = AppTest.from_function(_editor, args=(pairs.version.id,)).run()
    assert app.session_state["changed"] == {}
    app.text_area(key="edit_tools_0").set_value("[{").run()
    assert app.session_state["changed"] is None
    assert "not valid JSON" in app.markdown[0].value
    app.text_area(key="edit_tools_0").set_value("{}").run()
    assert "not a list" in app.markdown[0].value
    second = {"type": "function", "function": {"name": "g"}}
    app.text_area(key="edit_tools_0").set_value(json.dumps([TOOL, second])).run()
    app.text_area(key="edit_rejected_0").set_value("Worse still.").run()
    operation = EditRows(**app.session_state["changed"])
    dataset_edits.apply(pairs.id, operation, base_version_id=pairs.version.id)
    (item,) = datasets.examples_at(datasets.get_dataset(pairs.id).version.id, [0])
    assert item.example.tools == (TOOL, second)
    assert item.example.rejected == (Message("assistant", "Worse still."),)
    assert item.example.messages == pair("Question 0?", "Answer 0.").messages


def test_cells_of_the_grid_change_the_rejected_answer_and_keep_the_tools(pairs) -> None:
    operation = dataset_grid._operation(
        pairs,
        {
            0: {"Output": "Better.", "Rejected": "Bad."},
            1: {"Rejected": "New."},
            2: {"Part": "Test"},
            3: {"Rejected": " "},
        },
        set(),
        [{"Input": "Q", "Output": "A", "Rejected": "W", "Part": "Test"}],
    )
    dataset_edits.apply(pairs.id, operation, base_version_id=pairs.version.id)
    version = datasets.get_dataset(pairs.id).version
    items = [item.example for item in datasets.examples_at(version.id, [0, 1, 2, 3, 12])]
    assert items[0].tools == (TOOL,)
    assert [example.rejected[-1].content if example.rejected else "" for example in items] == [
        "Bad.",
        "New.",
        "",
        "",
        "W",
    ]
    assert [example.split for example in items] == ["train", "train", "test", "train", "test"]
    assert items[0].messages[-1].content == "Better."


def test_the_difference_of_two_versions_shows_them_side_by_side(pairs) -> None:
    before = datasets.examples_at(pairs.version.id, [0])[0]
    worse = ({"role": "assistant", "content": "A *worse* reply."},)
    dataset_edits.apply(pairs.id, EditRows(rejected={0: worse}, tools={0: ()}), base_version_id=pairs.version.id)
    after = datasets.examples_at(datasets.get_dataset(pairs.id).version.id, [0])[0]
    old, new = diff._side(before, after, old=True), diff._side(after, before, old=False)
    assert "REJECTED OUTPUT" in old
    assert "<mark>answer</mark>" in old
    assert "<mark>reply</mark>" in new
    assert "<mark>{" in old
    assert "look_up" not in new


def test_the_render_preview_and_the_statistics_name_them(pairs, open_screen, read) -> None:
    app = open_screen("datasets", id=pairs.id, view="Statistics")
    text = read(app)
    for words in ("With tools", "With a rejected answer", "Test"):
        assert words in text
