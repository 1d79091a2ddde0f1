"""The conversion wizard: six steps, kept in the database, the same in every browser."""

from __future__ import annotations

from core.services import datasets, drafts, tasks
from worker.run import execute


def test_from_the_sample_table_to_a_dataset(open_screen, read) -> None:
    app = open_screen("convert")
    assert "step 1 of 6" in read(app)
    app.button(key="use_tools").click().run()
    said = read(app)
    assert "What is in the file" in said
    assert "24 rows" in said
    assert "warranty" in said
    for title in ("How examples are made", "Match your columns"):
        app.button(key="onward").click().run()
        assert title in read(app)

    # Every choice is at once in the database, and another browser opens the same step with the same choices.
    app.button(key="pick_classification").click().run()
    draft = drafts.list_open("convert")[0]
    assert (draft.step, draft.state["template"]) == ("configure", "classification")
    other = open_screen("convert", draft=draft.id)
    assert "Match your columns" in read(other)
    target = next(item for item in app.selectbox if item.label.startswith("Target"))
    target.set_value("category").run()
    key = next(item for item in app.selectbox if item.label.startswith("Key"))
    key.set_value("description").run()
    include = app.multiselect[0]
    include.set_value([]).run()
    other = open_screen("convert", draft=draft.id)
    assert next(item.value for item in other.selectbox if item.label.startswith("Target")) == "category"
    assert "A narrow trowel with depth marks" in read(other), "the live preview"

    app.button(key="onward").click().run()
    assert "Sample conversions" in read(app)
    app.button(key="back").click().run()
    assert "Match your columns" in read(app)
    app.button(key="onward").click().run()
    app.button(key="onward").click().run()
    assert "Convert & Create Dataset" in read(app)
    next(item for item in app.text_input if item.label == "Name").set_value("Tools").run()
    app.button(key="convert_now").click().run()
    app.run()
    read(app)
    found = tasks.list_tasks(kind="conversion")
    assert len(found) == 1
    execute(found[0].id, owner="test")
    app.run()
    said = read(app)
    assert "24 pairs" in said
    assert "24 rows read = 24 accepted + 0 rejected" in said
    assert datasets.get_dataset("Tools").examples == 24


def test_the_way_of_reading_can_be_changed(open_screen, read) -> None:
    app = open_screen("convert")
    app.file_uploader[0].upload("café.csv", "nom;prix\ncafé;3\nthé;2\n".encode("cp1252")).run()
    said = read(app)
    assert "Semicolon".lower() in said.lower()
    encoding = next(item for item in app.selectbox if item.label == "Encoding")
    encoding.set_value("mac_roman")
    next(item for item in app.button if item.label == "Read again").click().run()
    assert "mac-roman" in read(app)


def test_an_unfinished_draft_is_offered_again(open_screen, read) -> None:
    open_screen("convert").button(key="use_tools").click().run()
    app = open_screen("convert")
    assert "step 2 of 6" in read(app)
    draft = drafts.list_open("convert")[0]
    app.button(key=f"continue_{draft.id}").click().run()
    assert "What is in the file" in read(app)


def test_a_change_from_another_window_is_said(open_screen, read) -> None:
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    draft = drafts.list_open("convert")[0]
    drafts.update(draft.id, draft.revision, step="mode")
    app.run()
    assert "How examples are made" in read(app)
    assert "changed in another window" in app.toast[0].value


def test_an_unknown_draft_leads_back_to_the_beginning(open_screen, read) -> None:
    app = open_screen("convert", draft="nope")
    assert "There is no draft" in read(app)
    assert app.button(key="way_out").label == "Begin again"
