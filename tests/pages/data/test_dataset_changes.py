"""Editing a dataset on its screen: the worklist, undo, the grid, writing by hand, versions, export, mix."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from core.data.editing import OPERATIONS, DropRows, EditRows, ResultExample, Split
from core.messages import Example, Message
from core.services.data import datasets, quality
from core.services.data.datasets import DatasetRecord, edits as dataset_edits, mix as dataset_mix, operations
from core.services.data.lineage import Edge, Lineage, Node
from core.services.platform import tasks
from pages.data._datasets.editing import grid as dataset_grid
from pages.data._datasets.editing.grid import PendingChanges
from pages.data._datasets.lineage import folded, mermaid
from pages.ui.examples import example_view, word_diff
from pages.ui.format import sentence
from tests.support.registry import registered
from tests.support.screens import part, shows
from worker.run import execute


def example(question: str, answer: str, line: int = 1) -> Example:
    return Example((Message("user", question), Message("assistant", answer)), "src", line)


@pytest.fixture
def copies(studio_env) -> DatasetRecord:
    """Thirty examples: four appear twice, and one has an e-mail address."""
    rows = [
        example(f"Where is parcel number {n} of street {n * 7}?", f"On its way, stop {n}.", n + 1) for n in range(25)
    ]
    rows += rows[:4]
    rows.append(example("Write to anna@example.org about it, please.", "Done.", 40))
    return datasets.create_dataset("Parcels", rows)


def test_a_fix_of_the_worklist_creates_a_version_and_is_undone(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id, view="Quality")
    assert "of 100" in read(app)
    assert "4" in app.button(key="fix_duplicate_examples_drop_copies").label
    app.button(key="fix_duplicate_examples_drop_copies").click().run()
    assert "26 pairs" in read(app)
    assert "**Version 2**" in part(app, "news_of_change")
    assert "4 removed" in part(app, "news_of_change")
    assert [tile.label for tile in app.metric].count("Score") == 1, "compared with the version before"
    app.button(key="undo_change").click().run()
    assert "30 pairs" in read(app)
    assert "**Version 3**" in part(app, "news_of_change")
    app.button(key="redo_change").click().run()
    assert "26 pairs" in read(app)
    assert [change.version.number for change in dataset_edits.history(copies.id)] == [4, 3, 2, 1]


def test_an_issue_shows_its_examples_with_the_text_marked(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id, view="Quality")
    read(app)
    app.button(key="rows_personal_data").click().run()
    assert "<mark>anna@example.org</mark>" in read(app)
    app.button(key="fix_drop_personal_data_1_29").click().run()
    assert datasets.get_dataset(copies.id).examples == 29


def test_the_dedupe_dialog_shows_its_effect_first(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id)
    app.button(key="op_dedupe").click().run()
    assert "**Version 2** would have 26 examples" in read(app)


def test_the_split_dialog_shows_the_balance(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id)
    app.button(key="op_split").click().run()
    assert "**Version 2** would have 30 examples" in read(app)
    preview = dataset_edits.split_preview(copies.id, Split())
    assert sentence(preview.note) in read(app), "identical examples stay on one side"


@pytest.mark.parametrize(
    "key",
    ["op_sample", "write_example", "edit_0", *(f"op_{kind.id}" for kind in operations.offered())],
)
def test_every_dialog_renders_without_error(key: str, copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id)
    app.button(key=key).click().run()
    read(app)


def test_a_new_operation_is_offered_with_a_form_of_its_fields(copies, open_screen, read) -> None:
    class Shout(operations.Operation):
        id: ClassVar[str] = "shout"
        title: ClassVar[str] = "Shout the outputs"
        lead: ClassVar[str] = "Every output in capital letters."
        marks: int = Field(default=1, ge=0, le=3, title="Exclamation marks")

        def apply(self, rows):
            return (ResultExample(entry) for entry in rows)

        def describe(self) -> str:
            return "Shouted."

    with registered(OPERATIONS, Shout):
        app = open_screen("datasets", id=copies.id)
        assert app.button(key="op_shout").label == Shout.title
        app.button(key="op_shout").click().run()
        assert "Every output in capital letters" in read(app)
        assert app.slider(key="op_shout_marks").value == 1
        assert app.button(key="apply_shout").disabled, "it would change nothing"


def _dialog(dataset_id: str, opens: str, search: str) -> None:
    """A screen with nothing but an open dialog: AppTest cannot press a button in a dialog that a click opened."""
    from core.data.editing import OPERATIONS, Filter
    from core.services.data import datasets
    from pages.data._datasets.editing import operations as dataset_operations

    dataset = datasets.get_dataset(dataset_id)
    if opens == "filter":
        dataset_operations.filter_dialog(dataset, Filter(search=search))
    elif opens in ("dedupe", "sample"):
        getattr(dataset_operations, f"{opens}_dialog")(dataset)
    else:
        dataset_operations.operation_dialog(dataset, OPERATIONS.get(opens))


def dialog(dataset: DatasetRecord, opens: str, search: str = "") -> AppTest:
    kwargs = {"dataset_id": dataset.id, "opens": opens, "search": search}
    return AppTest.from_function(_dialog, default_timeout=60, kwargs=kwargs).run()


@pytest.mark.parametrize(("opens", "examples"), [("dedupe", 26), ("sample", 10), ("set_system", 30), ("redact", 30)])
def test_the_button_of_a_dialog_creates_one_version(opens: str, examples: int, copies, read) -> None:
    app = dialog(copies, opens)
    if opens == "sample":
        app.number_input(key="sample_size").set_value(10).run()
    if opens == "set_system":
        assert app.button(key="apply_set_system").disabled, "there is none to remove"
        app.text_area(key="op_set_system_text").set_value("Be <b>kind</b>.").run()
    app.button(key=f"apply_{opens}").click().run()
    read(app)
    assert datasets.get_dataset(copies.id).examples == examples
    assert [change.version.number for change in dataset_edits.history(copies.id)] == [2, 1]
    dataset_edits.undo(copies.id)
    assert datasets.get_dataset(copies.id).version.sha256 == copies.version.sha256


def test_a_filter_creates_a_version_and_one_that_leaves_nothing_is_refused(copies, read) -> None:
    app = dialog(copies, "filter", "parcel")
    app.button(key="apply_filter").click().run()
    read(app)
    assert datasets.get_dataset(copies.id).examples == 29
    app = dialog(copies, "filter", "nowhere to be found")
    app.button(key="apply_filter").click().run()
    read(app)
    assert datasets.get_dataset(copies.id).version.number == 2


def test_a_filter_applies_to_the_matching_examples(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id)
    app.text_input(key="example_search").set_value("anna").run()
    assert "1 of 30 examples" in part(app, "filtered")
    app.button(key="drop_these").click().run()
    assert "**Version 2** would have 29 examples" in read(app)


def test_an_example_written_by_hand_is_saved_and_added(copies, open_screen, read) -> None:
    sunday = [{"role": "user", "content": "Are you open on Sunday?"}, {"role": "assistant", "content": "No."}]
    datasets.write_example(copies.id, sunday)
    app = open_screen("datasets", id=copies.id)
    assert "1 example" in part(app, "written")
    app.button(key="gather_written").click().run()
    read(app)
    assert datasets.get_dataset(copies.id).examples == 31


def test_history_differences_restore_and_export(copies, open_screen, read) -> None:
    edited = [{"role": "user", "content": "Where is parcel ONE?"}, {"role": "assistant", "content": "Here."}]
    operation = EditRows(rows={0: tuple(edited)}, drop=(5,))
    dataset_edits.apply(copies.id, operation, base_version_id=copies.version.id, why="Tidied")
    app = open_screen("datasets", id=copies.id, view="Versions")
    said = read(app)
    assert "Tidied" in said
    assert "Version 2" in said
    assert "<mark>ONE</mark>" in said
    app.button(key=f"export_{copies.version.id}").click().run()
    read(app)
    assert [item.label for item in app.radio] == ["Format"]
    app = open_screen("datasets", id=copies.id, view="Versions")
    app.button(key=f"restore_{copies.version.id}").click().run()
    assert "30 pairs" in read(app)


def test_a_click_on_a_row_of_an_outdated_version_does_nothing(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id, view="Quality")
    app.button(key="rows_personal_data").click().run()
    dataset_edits.apply(copies.id, DropRows(positions=(0,)), base_version_id=copies.version.id)
    app.button(key="fix_drop_personal_data_1_29").click().run()
    read(app)
    assert datasets.get_dataset(copies.id).examples == 29, "no other example was dropped by its old position"


def test_unsaved_changes_of_the_grid_survive_a_version_from_another_window(copies, open_screen, read) -> None:
    app = open_screen("datasets", id=copies.id)
    app.session_state[f"grid_{copies.id}"] = PendingChanges(copies.version.id, cells={3: {"Output": "Typed long ago"}})
    app.button_group(key="example_view").set_value("table").run()
    assert "1 edited" in part(app, "on_grid_changes")
    dataset_edits.apply(copies.id, DropRows(positions=(0,)), base_version_id=copies.version.id)
    app.run()
    read(app)
    assert shows(app, "outdated")
    assert not shows(app, "on_grid_changes")


def test_the_lineage_names_every_version(copies, open_screen, read) -> None:
    dataset_edits.apply(copies.id, Split(kind="random", share=0.2), base_version_id=copies.version.id)
    said = read(open_screen("datasets", id=copies.id, view="Provenance"))
    assert "flowchart LR" in said
    assert "Parcels v2" in said


def test_the_mix_screen_counts(copies, open_screen, read) -> None:
    other = datasets.create_dataset("Others", [example(f"Question {n}?", f"Answer {n}.") for n in range(12)])
    app = open_screen("mix")
    app.multiselect(key="datasets").set_value([copies.id, other.id]).run()
    assert "42 labeled examples" in part(app, "mix_outcome")
    app.number_input(key=f"weight_{other.id}").set_value(2.0).run()
    assert "54 labeled examples" in part(app, "mix_outcome")
    app.button(key="mix_now").click().run()
    read(app)
    assert not tasks.list_tasks(kind="mix"), "a mix needs a name"


def test_back_from_a_finished_mix_returns_to_the_mix_and_from_there_to_its_choices(copies, open_screen, read) -> None:
    other = datasets.create_dataset("Others", [example(f"Question {n}?", f"Answer {n}.") for n in range(12)])
    parts = [(copies.version.id, 1.0), (other.version.id, 2.0)]
    task = dataset_mix.mix("Both", parts, 20, seed=7, description="Of two")
    execute(task.id, "test:1")
    app = open_screen("mix", task=task.id)
    assert "Both" in read(app)  # the first visit opens the dataset
    app.switch_page("pages/data/mix.py")
    app.query_params["task"] = task.id
    app.run()
    assert "20 pairs" in part(app, "on_done_mix")
    app.button(key="mix_again").click().run()
    assert "20 labeled examples" in part(app, "mix_outcome")
    assert app.multiselect(key="datasets").value == [copies.id, other.id]
    assert app.number_input(key=f"weight_{other.id}").value == 2.0
    assert app.number_input(key="seed").value == 7
    assert app.text_input(key="mix_name").value == ""  # the name is taken now
    assert "task" not in app.query_params


# ---- the parts


def test_the_grid_stores_changes_of_other_pages_and_drops_edits_of_deleted_rows() -> None:
    pending = PendingChanges("v", shown=[10, 11, 12])
    pending.delta = {"edited_rows": {"1": {"Output": "new"}}, "deleted_rows": [0], "added_rows": [{"Input": "Q"}, {}]}
    pending.settle()
    pending.shown = [20, 21]
    pending.delta = {"edited_rows": {0: {"Part": "Held out"}}, "deleted_rows": [], "added_rows": []}
    cells, deleted, added = pending.together()
    assert cells == {11: {"Output": "new"}, 20: {"Part": "Held out"}}
    assert deleted == {10}
    assert added == [{"Input": "Q"}]


def test_cells_of_the_grid_become_one_operation(copies) -> None:
    cells = {0: {"Output": "At home.", "Context": "Be brief."}, 2: {"Part": "Held out"}}
    operation = dataset_grid._operation(copies, cells, {4}, [{"Input": "New?", "Output": "Yes.", "Part": None}])
    applied = dataset_edits.apply(copies.id, operation, base_version_id=copies.version.id)
    assert applied.version is not None
    items = datasets.examples(applied.version.id, 0, 100).items
    assert [message.role for message in items[0].example.messages] == ["system", "user", "assistant"]
    assert items[0].example.messages[2].content == "At home."
    assert items[2].example.split == "validation"
    assert len(items) == 30
    assert items[-1].example.messages[0].content == "New?"


def test_a_cleared_context_is_removed_and_later_turns_stay() -> None:
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "1"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "3"},
        {"role": "assistant", "content": "4"},
    ]
    changed = dataset_grid._with(messages, {"Context": "", "Output": "five"})
    assert [message["content"] for message in changed] == ["1", "2", "3", "five"]


def test_marks_are_escaped_and_distant_ones_are_brought_into_view() -> None:
    assert example_view.marked("<b>mail a@b.c now", [(8, 13)]) == "&lt;b&gt;mail <mark>a@b.c</mark> now"
    long = "x" * 5_000 + "HERE" + "y" * 5_000
    seen = example_view.marked(long, [(5_000, 5_004)], 400)
    assert "<mark>HERE</mark>" in seen
    assert len(seen) < 500
    assert example_view.marked("short", [(3, 99), (-4, 1)]) == "<mark>s</mark>ho<mark>rt</mark>"


def test_changed_words_are_marked_and_markup_is_not() -> None:
    assert word_diff.marked("the <b> red car", "the <b> blue car") == "the &lt;b&gt; <mark>red</mark> car"
    assert word_diff.marked("same", "same") == "same"


def test_quality_is_measured_for_the_shown_version(copies) -> None:
    assert quality.compute(copies.version.id).issue("duplicate_examples") is not None


def test_a_long_history_is_folded_and_hostile_names_stay_text() -> None:
    names = [f"v{number}" for number in range(1, 8)]
    nodes = [Node("s", "source", 'a"]; click x "javascript:1"', "CSV")]
    nodes += [Node(name, "dataset_version", f"Set ``` {name}", "9 examples", "ds", here=True) for name in names]
    nodes += [Node("j", "job", "Job <b>", "lora", "j")]
    steps = [Edge(one, other, "Dropped 1 example.") for one, other in pairwise(names)]
    found = Lineage(
        tuple(nodes), (Edge("s", "v1"), *steps, Edge("v4", "j", "trained on"), Edge("v1", "v7", "its content"))
    )
    drawn = folded(found, "v7")
    assert [node.title for node in drawn.nodes if node.here] == [
        "Set ``` v1",
        "2 versions between",
        "Set ``` v4",
        "2 versions between",
        "Set ``` v7",
    ]
    assert [(edge.source, edge.target) for edge in drawn.edges] == [
        ("s", "v1"),
        ("v1", "v2"),
        ("v2", "v4"),
        ("v4", "v5"),
        ("v5", "v7"),
        ("v4", "j"),
    ]
    text = mermaid(drawn, "v7")
    assert "```" not in text
    assert "<b>" not in text
    assert "a#34;#93;; click x #34;javascript:1#34;" in text


def _writing(dataset_id: str) -> None:
    """A screen with nothing but the dialog that writes an example, opened in its first run."""
    import streamlit as st

    from core.services.data import datasets
    from pages.data._datasets.editing import by_hand

    draw = by_hand._dialog if st.session_state.get("opened") else by_hand.write
    st.session_state["opened"] = True
    draw(datasets.get_dataset(dataset_id))


def test_an_example_is_written_with_a_rejected_answer(copies, read) -> None:
    app = AppTest.from_function(_writing, default_timeout=60, kwargs={"dataset_id": copies.id}).run()
    for box, text in zip(app.text_area, ["Open on Sunday?", "No.", "", "Perhaps."], strict=True):
        box.set_value(text)
    app.run()
    app.button(key="save_written").click().run()
    read(app)
    (written,) = datasets.written(copies.id)
    assert [message["content"] for message in written.messages] == ["Open on Sunday?", "No."]
    assert [message["content"] for message in written.rejected] == ["Perhaps."]
