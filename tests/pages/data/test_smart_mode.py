"""Smart mode on the screens: a connection, the wording, a preview of three rows, then the full run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from core.services.data import datasets, smart
from core.services.platform import connections, drafts, tasks
from core.services.serving import chat
from core.services.serving.chat import ChatModel
from pages.data._convert.draft import SMART_HEADS
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support.screens import part, shows, title
from tests.support.writing_server import KEY, MODEL, Writing, writing_server
from worker.run import execute


@pytest.fixture
def server() -> Iterator[Writing]:
    with writing_server() as running:
        yield running


def field(app, kind: str, label: str):
    return next(item for item in app.get(kind) if item.label == label)


def make_connection(app, server: Writing) -> None:
    app.button(key="pick_add_connection").click().run()
    app.get("button_group")
    kind = next(item for item in app.get("button_group") if item.label == "Kind")
    kind.set_value("openai").run()
    field(app, "text_input", "Name").set_value("Test writer")
    field(app, "text_input", "Address").set_value(server.url)
    field(app, "text_input", "API key").set_value(KEY).run()


def test_a_connection_is_tested_saved_changed_and_deleted(open_screen, read, server: Writing) -> None:
    app = open_screen("settings")
    assert "This studio" in read(app)
    make_connection(app, server)
    field(app, "text_input", "API key").set_value("sk-wrong-0123456789ab").run()
    app.button(key="test_connection").click().run()
    assert "key" in read(app).lower()
    assert MODEL not in read(app)
    field(app, "text_input", "API key").set_value(KEY).run()
    app.button(key="test_connection").click().run()
    assert MODEL.replace("-", "\\-") in read(app)
    app.button(key="save_connection").click().run()
    made = next(item for item in connections.list_connections() if not item.builtin)
    assert made.name == "Test writer"
    assert KEY not in read(app)
    assert "…cdef" in read(app)

    # The address changed, so the key must be entered again; the form stays open.
    app.button(key=f"edit_{made.id}").click().run()
    field(app, "text_input", "Address").set_value("http://127.0.0.1:9/v1").run()
    app.button(key="save_connection").click().run()
    read(app)
    assert connections.get(made.id).base_url == server.url
    app.button(key="cancel_connection").click().run()
    app.button(key=f"delete_{made.id}").click().run()
    app.button(key=f"delete_now_{made.id}").click().run()
    assert [item.builtin for item in connections.list_connections()] == [True]


def test_from_a_table_to_a_written_dataset(open_screen, read, server: Writing) -> None:
    saved = connections.save(
        name="Test writer", kind="openai", base_url=server.url, key=KEY, prices={"*": {"input": 1.0, "output": 2.0}}
    )
    server.refuse = "Otter"
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    app.button(key="onward").click().run()
    app.button(key="pick_smart").click().run()
    read(app)
    assert shows(app, "on_smart")
    app.button(key="onward").click().run()
    assert title(app) == SMART_HEADS["configure"][0]
    field(app, "selectbox", "Connection").set_value(saved.id).run()
    assert field(app, "selectbox", "Model").value == MODEL
    assert ":material/lock:" in part(app, "where_it_goes"), "the server is on this machine"
    field(app, "multiselect", "Columns").set_value(["product", "material", "price"]).run()
    app.button(key="propose").click().run()
    read(app)
    patterns = next(item for item in app.text_area if item.label.startswith("Question patterns"))
    assert patterns.value.splitlines()[0] == "What is {{product}}?"

    # A pattern that names an unknown column is marked under its field, and the wizard waits until it is fixed.
    patterns.set_value("What is {{colour}}?").run()
    assert "colour" in read(app)
    assert app.button(key="onward").disabled
    patterns = next(item for item in app.text_area if item.label.startswith("Question patterns"))
    patterns.set_value("What is {{product}}?\nWhat is {{product}} made of?").run()
    assert not app.button(key="onward").disabled
    app.button(key="onward").click().run()

    assert server.asked == 0, "no request before the button is pressed"
    app.button(key="write_preview").click().run()
    assert ":material/visibility:" in read(app), "an example has something to check"
    assert server.asked == 3
    other = open_screen("convert", draft=drafts.list_open("convert")[0].id)
    assert ":material/visibility:" in read(other)
    assert server.asked == 3, "the preview is saved and survives a refresh"
    app.button(key="write_others").click().run()
    assert drafts.list_open("convert")[0].state["smart_preview"]["start"] == 3
    assert {"row_preview_5", "row_preview_6", "row_preview_7"} <= keys(app)
    server.asked = 3
    app.button(key="onward").click().run()
    field(app, "text_input", "Name").set_value("").run()
    read(app)
    assert app.button(key="convert_now").disabled
    field(app, "text_input", "Name").set_value("Written tools").run()
    app.button(key="convert_now").click().run()
    read(app)
    (task,) = tasks.list_tasks(kind="smart")
    execute(task.id, owner="test")
    app.run()
    assert "24 of 24" in read(app)
    assert shows(app, "on_done_conversion")
    assert datasets.get_dataset("Written tools").examples == 23
    assert drafts.unfinished("convert") == []

    # One click retries the failed row; a second press or another window shows the same task.
    server.refuse, asked = "", server.asked
    app.button(key="ask_again").click().run()
    other = open_screen("convert", draft=app.query_params["draft"])
    read(other)
    (again,) = tasks.list_tasks(kind="smart_again")
    execute(again.id, owner="test")
    other.run()
    assert "1 labeled example added as version 2" in read(other)
    assert server.asked == asked + 1
    assert datasets.get_dataset("Written tools").examples == 24
    assert not [button for button in other.button if button.key == "ask_again"]


def test_a_spent_budget_is_raised_and_the_run_goes_on(open_screen, read, server: Writing) -> None:
    saved = connections.save(
        name="Test writer", kind="openai", base_url=server.url, key=KEY, prices={"*": {"input": 100.0, "output": 100.0}}
    )
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    draft = drafts.list_open("convert")[0]
    recipe = {"connection_id": saved.id, "model": MODEL, "columns": ["product", "price"], "max_tokens": 64}
    recipe |= {"budget_usd": 0.12, "concurrency": 1}
    state = {"mode": "smart", "smart": recipe, "name": "Within budget"}
    drafts.update(draft.id, None, state, "convert")
    app = open_screen("convert", draft=draft.id)
    app.button(key="convert_now").click().run()
    (task,) = tasks.list_tasks(kind="smart")
    execute(task.id, owner="test")
    app = open_screen("convert", draft=draft.id)
    read(app)
    assert shows(app, "budget_spent")
    asked = server.asked
    assert 0 < asked < 24
    assert [item.state for item in drafts.unfinished("convert")] == ["paused"]
    field(app, "number_input", "New budget (US$)").set_value(10.0).run()
    app.button(key="raise_budget").click().run()
    read(app)
    execute(task.id, owner="test")
    app = open_screen("convert", draft=draft.id)
    read(app)
    assert shows(app, "on_done_conversion")
    assert server.asked == 24, "no row is paid for twice"


def test_the_studios_small_models_are_a_choice_with_a_warning_and_never_the_default(
    open_screen, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_data.clear()
    monkeypatch.setattr(connections, "models", lambda connection_id: ("starter",))
    known = [ChatModel("starter", "Starter", "base", "starter", "Starter")]
    monkeypatch.setattr(chat, "available_models", lambda: known)
    app = open_screen("convert")
    app.button(key="use_tools").click().run()
    app.button(key="onward").click().run()
    app.button(key="pick_smart").click().run()
    app.button(key="onward").click().run()
    assert field(app, "selectbox", "Model").value is None
    assert app.button(key="onward").disabled
    field(app, "selectbox", "Model").set_value("starter").run()
    assert md(smart.writing_models(connections.STUDIO)[0].warning) in read(app)
    assert not app.button(key="onward").disabled
    assert not [item for item in app.number_input if item.label.startswith("Budget")], "the model is free"
    st.cache_data.clear()
