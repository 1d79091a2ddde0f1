"""Models and what is done with them: cards, notes, archive, chat and compare; also while inference is down."""

from __future__ import annotations

from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire
from core.services.training import merging, models
from tests.support import runs


def test_empty_screens_lead_to_training(open_screen, read) -> None:
    for name, title in (
        ("models", "No model yet"),
        ("chat", "No model to talk to yet"),
        ("compare", "Nothing to compare"),
    ):
        assert title in read(open_screen(name))


def test_a_model_is_listed_with_its_loss_and_origin(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    said = read(open_screen("models"))
    assert "loss 0.012" in said
    assert "Starter · LoRA · Support" in said
    said = read(open_screen("models", id=model.id))
    assert model.id in said
    assert "Where it came from" in said


def test_notes_are_kept_and_an_archived_model_leaves_the_lists(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("models", id=model.id)
    app.text_area(key=f"notes_{model.id}").set_value("Good at refunds").run()
    assert models.get_model(model.id).notes == "Good at refunds"
    app.button(key=f"state_{model.id}").click().run()
    assert models.get_model(model.id).state == "archived"
    assert "Activate it to use it" in read(app)
    assert "Every model is archived" in read(open_screen("models"))
    assert "No model to talk to yet" in read(open_screen("chat"))


def test_chat_without_inference_keeps_the_question_and_says_how_to_start_it(
    open_screen, read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")  # the discard port: nothing answers there
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("chat", model=model.id)
    assert "How do refunds work?" in read(app)
    app.chat_input(key="question").set_value("What's the refund policy?").run()
    said = read(app)
    assert "does not answer" in said
    assert "sft up" in said
    assert "What's the refund policy?" in said
    assert app.button(key="again")
    app.button(key="take_back").click().run()
    assert "does not answer" not in read(app)
    assert app.session_state.chat == []
    app.chat_input(key="question").set_value("Where is my order?").run()
    app.button(key="clear").click().run()
    assert app.session_state.chat == []


def test_compare_without_its_base_says_so(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    assert "is not on this machine any more" in read(open_screen("compare", model=model.id))


def test_an_address_without_a_model_stays_as_it_is_and_a_lost_model_is_said(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("chat")  # writing the address at once would trap the browser's Back button
    assert "model" not in app.query_params
    app = open_screen("chat", model="fm_gone")
    assert "archived or gone" in app.toast[0].value
    assert model.id in app.query_params["model"]


def test_a_mergeable_model_offers_it_once_and_then_shows_the_whole_model(open_screen, read, tmp_path) -> None:
    model = runs.succeed(runs.launch(runs.dataset()), tmp_path / "adapter")
    app = open_screen("models", id=model.id)
    app.button(key=f"merge_{model.id}").click().run()
    task = merging.running(model.id)
    assert task is not None
    assert f"merge_{model.id}" not in [button.key for button in app.button]  # it is under way: no second one
    context = TaskContext(acquire(task.id, "worker-of-the-test"))
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "model.safetensors").write_bytes(bytes(2048))
    context.finish(merging.register(context, model, whole, 0.0))
    app = open_screen("models", id=model.id)
    assert "2.0 KB" in read(app)
    app.button(key=f"chat_merged_{model.id}")
    assert "Support - Starter - v1 (merged)" in app_options(open_screen("chat"))


def app_options(app) -> list[str]:
    return next(box for box in app.selectbox if box.key == "model").options


def test_what_cannot_be_merged_does_not_offer_it(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), method="full")
    model = runs.succeed(job, tmp_path / "whole")
    assert "into the base" not in read(open_screen("models", id=model.id))
