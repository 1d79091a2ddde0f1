"""The conversion wizard: six steps, kept in the database, the same in every browser."""

from __future__ import annotations

import io

from core.services.data import conversion, datasets, sources
from core.services.platform import drafts, tasks
from pages.data._convert.draft import WIZARD
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support.screens import part, shows, title
from worker.run import execute

TITLES = {step.id: step.title for step in WIZARD.steps}


def test_a_click_in_an_outdated_window_does_not_skip_a_step(open_screen, read) -> None:
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    draft = drafts.list_open("convert")[0]
    other = open_screen("convert", draft=draft.id)
    app.button(key="onward").click().run()
    assert title(app) == TITLES["mode"]
    other.button(key="onward").click().run()  # this window still shows the step before
    assert title(other) == TITLES["mode"]
    assert drafts.get(draft.id).step == "mode"
    other.button(key="onward").click().run()
    assert title(other) == TITLES["configure"]
    app.button(key="back").click().run()  # each window shows the step in its address
    assert title(app) == TITLES["analyze"]
    assert drafts.get(draft.id).step == "configure"


def test_from_the_sample_table_to_a_dataset(open_screen, read) -> None:
    app = open_screen("convert")
    assert "step 1 of 6" in read(app)
    app.button(key="use_tools").click().run()
    assert title(app) == TITLES["analyze"]
    assert "24 rows" in read(app)
    assert "warranty" in part(app, "columns")
    for step in ("mode", "configure"):
        app.button(key="onward").click().run()
        assert title(app) == TITLES[step]

    # Every choice is saved at once, and another browser opens the same step with the same choices.
    app.button(key="pick_classification").click().run()
    draft = drafts.list_open("convert")[0]
    assert (draft.step, draft.state["template"]) == ("configure", "classification")
    other = open_screen("convert", draft=draft.id)
    assert title(other) == TITLES["configure"]
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
    assert shows(app, "example_preview_1")
    first = part(app, "example_preview_1")
    app.button(key="rows_next").click().run()
    assert "line 8" in part(app, "example_preview_1"), "the first six rows are on lines 2 to 7"
    app.button(key="rows_random").click().run()
    read(app)
    while not app.button(key="rows_earlier").disabled:
        app.button(key="rows_earlier").click().run()
    assert part(app, "example_preview_1") == first
    app.button(key="back").click().run()
    assert title(app) == TITLES["configure"]
    app.button(key="onward").click().run()
    app.button(key="onward").click().run()
    assert title(app) == TITLES["convert"]
    (recap,) = [item.proto.body for item in app.get("html") if "Labeled examples" in item.proto.body]
    assert "<dd>24</dd>" in recap
    assert "description" in recap
    next(item for item in app.text_input if item.label == "Name").set_value("Tools").run()
    app.button(key="convert_now").click().run()
    app.run()
    read(app)
    found = tasks.list_tasks(kind="conversion")
    assert len(found) == 1
    execute(found[0].id, owner="test")
    app.run()
    assert "24 pairs" in part(app, "on_done_conversion")
    assert md("24 accepted + 0 left out") in read(app)
    assert datasets.get_dataset("Tools").examples == 24


def test_every_step_expects_the_same_number_of_examples(open_screen, read) -> None:
    rows = [f"What is {n}?,{'' if n > 240 and n % 5 == 0 else n}" for n in range(300)]
    source = sources.ingest(io.BytesIO("\n".join(["question,answer", *rows]).encode()), "numbers.csv")
    first = conversion.first_choice(source.id, "qa")
    draft = drafts.create("convert", {"source_id": source.id, "template": "qa", **first}, "configure")
    expected = "289"  # 11 of the rows behind the first 240 have no answer
    app = open_screen("convert", draft=draft.id)
    assert f"{expected} labeled examples from 300 rows · 11 of 300 left out" in read(app)
    app.button(key="onward").click().run()
    tiles = {tile.label: tile.value for tile in app.metric}
    assert (tiles["Labeled examples"], tiles["Rows left out"]) == (expected, "11")
    assert md(f"{expected} accepted + 11 left out") in read(app)
    app.button(key="onward").click().run()
    (recap,) = [item.proto.body for item in app.get("html") if "Labeled examples" in item.proto.body]
    assert f"<dd>{expected}</dd>" in recap
    assert "<dd>11 of 300</dd>" in recap


def choice(app, label: str):
    return next(item for item in [*app.selectbox, *app.number_input] if item.label == label)


def begin(open_screen, sample: str):
    """The sample's draft on its second step, with the choices about its reading open."""
    app = open_screen("convert")
    app.button(key=f"use_{sample}").click().run()
    draft = drafts.list_open("convert")[0]
    app.session_state[f"reading_{draft.id}"] = True
    return app.run(), draft.id


def test_the_reading_options_change_the_file_only_after_a_preview(open_screen, read) -> None:
    app, draft_id = begin(open_screen, "helpdesk_export")
    source_id = drafts.get(draft_id).state["source_id"]
    before = sources.get(source_id).detection
    assert app.button(key="read_this_way").disabled
    lines = 1 if before.skip_lines == 2 else 2
    choice(app, "Lines before the header").set_value(lines).run()
    assert not app.button(key="read_this_way").disabled
    seen = app.dataframe(key="seen_rows").value if lines == 2 else None
    assert seen is None or list(seen.columns)[1:3] == ["ticket", "received"]
    assert sources.get(source_id).detection == before, "a preview changes nothing"
    app.button(key="read_this_way").click().run()
    read(app)
    assert sources.get(source_id).detection.skip_lines == lines

    choice(app, "Encoding").set_value("mac-roman").run()
    app.button(key="read_this_way").click().run()
    assert "mac-roman" in read(app)
    app.button(key="read_as_detected").click().run()
    app.button(key="read_this_way").click().run()
    assert sources.get(source_id).detection == before


def test_broken_rows_are_fixed_on_the_screen(open_screen, read) -> None:
    app, draft_id = begin(open_screen, "helpdesk_export")
    assert "Line 19" in read(app)
    area = next(item for item in app.text_area if item.label == "Line 12")
    assert app.button(key="read_repaired").disabled
    area.set_value(
        '1026;2026-02-04;product;"Do you sell bamboo canes; the two metre ones?";"Yes, in bundles of ten."'
    ).run()
    app.button(key="read_repaired").click().run()
    said = read(app)
    assert "repaired" in said
    assert "Line 19" in said
    assert "Line 12" not in said
    area = next(item for item in app.text_area if item.label == "Line 19")
    area.set_value("1027;Łódź;x;y;z").run()
    app.button(key="read_repaired").click().run()
    assert "cannot be written in cp1252" in read(app)
    area = next(item for item in app.text_area if item.label == "Line 19")
    area.set_value("").run()
    app.button(key="read_repaired").click().run()
    read(app)
    analysis = sources.analyze(drafts.get(draft_id).state["source_id"])
    assert analysis.rejected_rows == 0


def test_completed_steps_are_open_and_later_ones_are_not(open_screen, read) -> None:
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    draft = drafts.list_open("convert")[0]
    for _ in range(3):
        app.button(key="onward").click().run()
    assert title(app) == TITLES["preview"]
    app.button(key="go_convert_3").click().run()
    assert title(app) == TITLES["mode"]
    assert {"go_convert_1", "go_convert_2", "go_wide_convert_4", "go_convert_5"} <= keys(app)
    app.button(key="go_convert_5").click().run()
    assert title(app) == TITLES["preview"]
    read(open_screen("convert", draft=draft.id, step="mode"))  # the address opens the step in any browser
    later = open_screen("convert", draft=draft.id, step="convert")
    assert title(later) == TITLES["preview"], "it was not reached yet"

    # Another mode has other steps after it: they are to be gone through again.
    app.button(key="go_convert_3").click().run()
    app.button(key="pick_smart").click().run()
    assert "go_convert_5" not in keys(app)


def test_a_failed_conversion_starts_again_with_other_choices(open_screen, read) -> None:
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    for _ in range(4):
        app.button(key="onward").click().run()
    app.button(key="convert_now").click().run()
    (first,) = tasks.list_tasks(kind="conversion")
    tasks.request(first.id, "cancel")
    app.run()
    app.button(key="change_choices").click().run()
    assert title(app) == TITLES["configure"]
    app.button(key="go_convert_6").click().run()
    read(app.button(key="convert_now").click().run())
    assert [task.state for task in tasks.list_tasks(kind="conversion")] == ["pending", "cancelled"]


def test_an_unfinished_draft_is_offered_again(open_screen, read) -> None:
    open_screen("convert").button(key="use_tools").click().run()
    app = open_screen("convert")
    assert "step 2 of 6" in read(app)
    draft = drafts.list_open("convert")[0]
    app.button(key=f"continue_{draft.id}").click().run()
    assert title(app) == TITLES["analyze"]


def test_a_change_from_another_window_is_announced(open_screen, read) -> None:
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    draft = drafts.list_open("convert")[0]
    drafts.update(draft.id, draft.revision, {"mode": "smart"})
    app.run()
    assert len(app.toast) == 1


def test_an_unknown_draft_leads_back_to_the_start(open_screen, read) -> None:
    app = open_screen("convert", draft="nope")
    assert "nope" in read(app)
    app.button(key="way_out").click().run()
    assert title(app) == TITLES["upload"]


def test_a_draft_is_discarded_after_confirmation(open_screen, read) -> None:
    open_screen("convert").button(key="use_tools").click().run()
    app = open_screen("convert")
    draft = drafts.list_open("convert")[0]
    app.button(key=f"discard_{draft.id}").click().run()
    read(app)
    app.button(key=f"keep_{draft.id}").click().run()
    assert drafts.list_open("convert") == [draft]
    app.button(key=f"discard_{draft.id}").click().run()
    app.button(key=f"discard_now_{draft.id}").click().run()
    read(app)
    assert drafts.list_open("convert") == []


def test_an_error_is_shown_beside_its_field(open_screen, read) -> None:
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    draft = drafts.list_open("convert")[0]
    drafts.update(
        draft.id, None, {"template": "custom", "options": {"user": "{{colour}}?", "assistant": "x"}}, "configure"
    )
    app = open_screen("convert", draft=draft.id)
    assert shows(app, "not_yet")
    assert "colour" in read(app)
    assert "colour" not in part(app, "not_yet"), "the reason is at the field"
    assert app.button(key="onward").disabled


def test_a_file_on_the_server_is_imported_only_from_allowed_folders(open_screen, read, monkeypatch, tmp_path) -> None:
    app = open_screen("convert")
    assert not [item for item in app.get("expander") if "From this server" in item.label], "nothing is configured"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "facts.csv").write_text("name,fact\na,b\nc,d\n")
    (tmp_path / "out.csv").write_text("name,fact\na,b\n")
    monkeypatch.setenv("SFT_IMPORT_ROOTS", str(tmp_path / "in"))
    app = open_screen("convert")
    path = next(item for item in app.text_input if item.label == "File on the server")
    path.set_value(str(tmp_path / "out.csv"))
    next(item for item in app.button if item.label == "Import").click().run()
    assert str(tmp_path / "in") in read(app)
    assert title(app) == TITLES["upload"]
    path = next(item for item in app.text_input if item.label == "File on the server")
    path.set_value("facts.csv")
    next(item for item in app.button if item.label == "Import").click().run()
    assert title(app) == TITLES["analyze"]
