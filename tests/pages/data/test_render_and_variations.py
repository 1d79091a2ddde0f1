"""Two tabs of a dataset: Render preview and Variations."""

from __future__ import annotations

import pytest

from core.messages import Example, Message
from core.services.data import datasets
from core.services.platform import tasks
from tests.core.models.test_render import SPECIAL, fast_tokenizer
from tests.core.services.data.test_render_preview import base_with
from tests.support.llm_server import llm_server
from tests.support.screens import shows
from tests.support.smart import connect
from worker.run import execute

TEMPLATE = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"


@pytest.fixture
def dataset(studio_env):
    pairs = [(f"How long is gate {n}?", f"Gate {n} is {n} metres long.") for n in range(12)]
    pairs[2] = ("<b>bold</b> \u202eevil", "No.")
    return datasets.create_dataset(
        "Gates", [Example((Message("user", ask), Message("assistant", say, weight=0 if n == 3 else None)))
                  for n, (ask, say) in enumerate(pairs)])  # fmt: skip


def html(app) -> str:
    return "\n".join(item.proto.body for item in app.get("html"))


def test_without_a_base_model_the_tab_leads_to_one(dataset, open_screen, read) -> None:
    app = open_screen("datasets", id=dataset.id, view="Render preview")
    read(app)
    assert shows(app, "empty_render")


def test_an_example_is_shown_token_by_token(dataset, open_screen, read) -> None:
    base_with(fast_tokenizer(TEMPLATE, SPECIAL), "plain")
    app = open_screen("datasets", id=dataset.id, view="Render preview")
    read(app)
    assert shows(app, "seen_text")
    assert "seen-loss" in html(app)
    number = next(item for item in app.number_input if item.label == "Example")
    number.set_value(3).run()
    read(app)
    shown = html(app)
    assert "&lt;" in shown
    assert "<b>bold" not in shown
    assert "⟨U+202E⟩" in shown
    next(item for item in app.number_input if item.label == "Example").set_value(4).run()
    assert "weight 0" in read(app)
    assert "seen-loss seen" not in html(app)
    next(item for item in app.number_input if item.label == "Example").set_value(1).run()
    next(item for item in app.number_input if item.label == "Maximum length").set_value(16).run()
    assert ":red[:material/error:" in read(app), "the output is cut off"


def test_variations_are_written_and_added_as_a_new_version(dataset, open_screen, read) -> None:
    with llm_server() as server:
        connect(server.url, name="Writer")
        app = open_screen("datasets", id=dataset.id, view="Variations")
        read(app)
        next(item for item in app.selectbox if item.label == "Connection").select("Writer").run()
        said = read(app)
        assert "up to 20" in said
        assert next(item for item in app.selectbox if item.label == "Model").value == "tiny-1"
        app.button(key="vary_start").click().run()
        read(app)
        (task,) = tasks.list_tasks(kind="variations")
        assert len(task.payload["positions"]) == 10
        ended = execute(task.id, "test")
        assert ended.state == "succeeded", ended.error
    now = datasets.get_dataset(dataset.id)
    assert now.version.number == 2
    assert now.version.examples > 12
    app = open_screen("datasets", id=dataset.id, view="Variations")
    read(app)
    assert shows(app, f"smart_account_{task.id}"), "the last run"
