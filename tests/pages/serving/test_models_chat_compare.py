"""Models: cards, notes, archive, merge; Chat and Compare without a model."""

from __future__ import annotations

import pytest

from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire
from core.services.training import merging, models
from pages.ui.methods import method_md
from tests.pages.conftest import keys
from tests.support import runs


@pytest.mark.parametrize("name", ["models", "chat", "compare"])
def test_an_empty_screen_leads_to_training(name: str, open_screen, read) -> None:
    app = open_screen(name)
    read(app)
    assert f"empty_btn_no_{name}" in keys(app)


def test_a_model_is_listed_with_its_loss_and_origin(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    said = read(open_screen("models"))
    assert "loss 0.012" in said
    assert f"Starter · {method_md(model.method, model.method_title)} · Support" in said
    said = read(open_screen("models", id=model.id))
    assert model.id in said


def test_notes_are_saved_and_an_archived_model_leaves_the_lists(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("models", id=model.id)
    app.text_area(key=f"notes_{model.id}").set_value("Good at refunds").run()
    assert models.get_model(model.id).notes == "Good at refunds"
    app.menu_button(key=f"rowmenu_{model.id}").click("Archive").run()
    assert models.get_model(model.id).state == "archived"
    read(app)
    assert f"chat_detail_{model.id}" not in keys(app)
    assert f"open_{model.id}" not in keys(open_screen("models"))
    assert "empty_btn_no_chat" in keys(open_screen("chat"))


def test_a_model_is_merged_once_and_then_shows_the_merged_files(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("models", id=model.id)
    app.button(key=f"merge_{model.id}").click().run()
    task = merging.running(model.id)
    assert task is not None
    assert f"merge_{model.id}" not in keys(app)  # it is running: no second one
    context = TaskContext(acquire(task.id, "worker-of-the-test"))
    merged = tmp_path / "merged"
    merged.mkdir()
    (merged / "model.safetensors").write_bytes(bytes(2048))
    context.finish(merging.register(context, model, merged, 0.0))
    app = open_screen("models", id=model.id)
    assert "2.0 KB" in read(app)
    app.button(key=f"chat_merged_{model.id}")
    assert "Support - Starter - v1 (merged)" in app_options(open_screen("chat"))


def app_options(app) -> list[str]:
    return next(box for box in app.selectbox if box.key == "model_new").options


def test_a_model_that_cannot_be_merged_does_not_offer_it(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), method="full")
    model = runs.succeed(job, tmp_path / "whole")
    app = open_screen("models", id=model.id)
    read(app)
    assert "merge" not in keys(app)
