"""Models: cards, notes, archive, merge, chat and compare, also while the inference process is down."""

from __future__ import annotations

import pytest

from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire
from core.services.training import merging, models
from pages.ui.errors import NOT_FOUND
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
    assert "Starter · LoRA · Support" in said
    said = read(open_screen("models", id=model.id))
    assert model.id in said


def test_notes_are_saved_and_an_archived_model_leaves_the_lists(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("models", id=model.id)
    app.text_area(key=f"notes_{model.id}").set_value("Good at refunds").run()
    assert models.get_model(model.id).notes == "Good at refunds"
    app.button(key=f"state_{model.id}").click().run()
    assert models.get_model(model.id).state == "archived"
    read(app)
    assert f"chat_detail_{model.id}" not in keys(app)
    assert f"open_{model.id}" not in keys(open_screen("models"))
    assert "empty_btn_no_chat" in keys(open_screen("chat"))


def test_chat_without_inference_keeps_the_question_and_shows_how_to_start_it(
    open_screen, read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")  # the discard port: nothing answers there
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("chat", model=model.id)
    assert "How do refunds work?" in read(app)
    app.chat_input(key="question").set_value("What's the refund policy?").run()
    said = read(app)
    assert "sft up" in said
    assert "What's the refund policy?" in said
    assert "again" in keys(app)
    app.button(key="remove_question").click().run()
    read(app)
    assert "again" not in keys(app)
    assert app.session_state.chat == []
    app.chat_input(key="question").set_value("Where is my order?").run()
    app.button(key="clear").click().run()
    assert app.session_state.chat == []


def test_compare_without_its_base_is_not_found(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    assert NOT_FOUND in read(open_screen("compare", model=model.id))


def test_the_address_changes_only_for_a_choice_and_a_missing_model_is_announced(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("chat")  # writing it at once would trap the browser's Back button
    assert "model" not in app.query_params
    app = open_screen("chat", model="fm_gone")
    assert len(app.toast) == 1
    assert model.id in app.query_params["model"]


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
    return next(box for box in app.selectbox if box.key == "model").options


def test_a_model_that_cannot_be_merged_does_not_offer_it(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), method="full")
    model = runs.succeed(job, tmp_path / "whole")
    app = open_screen("models", id=model.id)
    read(app)
    assert "merge" not in keys(app)
