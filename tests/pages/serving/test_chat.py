"""Chat: conversations that are saved, reloaded, continued in two windows, edited, stopped, and outlive their model."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ProviderUnavailable
from core.services.serving import conversations
from core.services.serving.conversations import AnswerChoice
from core.services.training import models
from core.services.training.models import ModelRecord
from pages.ui.errors import NOT_FOUND
from tests.pages.conftest import keys
from tests.support.talking import Talker, finished, tuned


@pytest.fixture
def model(talker: Talker, tmp_path: Path) -> ModelRecord:
    return tuned(tmp_path / "adapter")


def in_address(app: AppTest, name: str) -> str:
    """A query parameter: AppTest has a list for one that the page wrote before its last run, else a text."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def say(app: AppTest, text: str) -> AppTest:
    return app.chat_input(key="question").set_value(text).run()


def opened(app: AppTest) -> conversations.ConversationRecord:
    """The conversation in the address."""
    return finished(in_address(app, "conversation"))


def buttons(app: AppTest) -> set[str]:
    """The keys of all buttons, also of those beside the field for a message."""
    return {str(button.key) for button in app.button}


def key_of(app: AppTest, beginning: str) -> str:
    return next(key for key in sorted(keys(app)) if key.startswith(beginning))


def test_a_message_starts_a_conversation_that_a_reload_shows(open_screen, read, model, talker) -> None:
    app = open_screen("chat", model=model.id)
    assert "conversation" not in app.query_params
    say(app, "Do <b>refunds</b> ![x](http://x.example/y.png) work?")
    shown = read(app)
    assert "Answer 1" in shown
    assert "12 tokens" in shown
    assert in_address(app, "model") == model.id
    say(app, "And then?")
    assert [message["content"] for message in talker.asked[1]][-3:] == [
        "Do <b>refunds</b> ![x](http://x.example/y.png) work?",
        "Answer 1",
        "And then?",
    ]
    other = open_screen("chat", conversation=opened(app).id)
    assert "Answer 2" in read(other)
    assert {f"open_wide_{opened(app).id}", f"open_narrow_{opened(app).id}"} <= keys(other)


def test_suggested_inputs_name_their_split_and_start_a_conversation(open_screen, read, model) -> None:
    app = open_screen("chat")
    shown = keys(app)
    assert {"ideas_trained", "ideas_held_out", "idea_0", "idea_5"} <= shown
    first = app.button(key="idea_0").label
    assert ":material" not in first
    app.button(key="idea_0").click().run()
    read(app)
    assert [turn.role for turn in opened(app).turns] == ["user", "assistant"]
    assert "idea_0" not in keys(app)


def test_an_answer_is_regenerated_and_an_input_edited(open_screen, read, model, talker) -> None:
    app = say(say(open_screen("chat"), "First?"), "Second?")
    read(app)
    app.button(key=key_of(app, "again_turn")).click().run()
    assert [turn.content for turn in opened(app).turns][-1] == "Answer 3"
    first = opened(app).turns[0].id
    app.button(key=f"edit_{first}").click().run()
    read(app)
    app.text_area(key=f"edited_{first}").set_value("Better?")
    app.button(key=f"resend_{first}").click().run()
    read(app)
    assert [turn.content for turn in opened(app).turns] == ["Better?", "Answer 4"]
    assert [message["content"] for message in talker.asked[3]][-1] == "Better?"


def test_a_message_from_a_window_that_missed_one_is_not_lost(open_screen, read, model) -> None:
    app = say(open_screen("chat"), "Hello?")
    record = opened(app)
    conversations.send(record.id, "From another window", AnswerChoice(model.id), seen=record.last_id)
    finished(record.id)
    say(app, "From this one")
    read(app)
    assert "discard_unsent" in buttons(app)
    assert len(opened(app).turns) == 4
    app.button(key="send_unsent").click().run()
    read(app)
    assert "discard_unsent" not in buttons(app)
    assert [turn.content for turn in opened(app).turns if not turn.is_answer][-1] == "From this one"


def test_a_reload_in_the_middle_of_an_answer_waits_for_its_end(open_screen, read, model, talker) -> None:
    talker.go.clear()
    conversation = conversations.new_conversation_id()
    conversations.send(conversation, "Hello?", AnswerChoice(model.id))
    threading.Timer(0.5, talker.go.set).start()
    app = open_screen("chat", conversation=conversation)
    assert "Answer 1" in read(app)
    assert key_of(app, "again_turn")


def test_a_stopped_answer_is_marked(open_screen, read, model, talker) -> None:
    talker.go.clear()
    conversation = conversations.new_conversation_id()
    running = conversations.send(conversation, "Hello?", AnswerChoice(model.id)).last
    assert running is not None
    assert talker.began.wait(120)
    conversations.stop(running.id)
    shown = read(open_screen("chat", conversation=conversation))
    assert "Stopped" in shown


def test_a_failed_answer_shows_what_to_do(open_screen, read, model, talker) -> None:
    talker.error = ProviderUnavailable("Nothing answers.", "Start it with `sft up`.")
    app = say(open_screen("chat", model=model.id), "What's the refund policy?")
    shown = read(app)
    assert "sft up" in shown
    assert "What's the refund policy?" in shown
    talker.error = None
    app.button(key=key_of(app, "again_turn")).click().run()
    assert "Answer 2" in read(app)
    talker.error = ProviderUnavailable("Nothing answers.")
    say(app, "And now?")
    app.button(key=key_of(app, "undo_turn")).click().run()
    read(app)
    assert [turn.content for turn in opened(app).turns] == ["What's the refund policy?", "Answer 2"]


def _rename(conversation_id: str) -> None:
    from core.services.serving import conversations
    from pages.serving._chat import listing

    listing.rename_dialog(conversations.get_conversation(conversation_id))


def _delete(conversation_id: str) -> None:
    from core.services.serving import conversations
    from pages.serving._chat import listing
    from pages.ui import navigation

    navigation.register_pages()
    listing.delete_dialog(conversations.get_conversation(conversation_id))


def test_a_conversation_is_renamed_and_deleted(open_screen, read, model) -> None:
    """AppTest cannot press a button in a dialog that a click opened."""
    record = opened(say(open_screen("chat"), "Hello?"))
    for button in ("rename_conversation", "delete_conversation"):
        app = open_screen("chat", conversation=record.id)
        app.button(key=button).click().run()
        read(app)
    dialog = AppTest.from_function(_rename, args=(record.id,)).run()
    dialog.text_input(key="conversation_title").set_value("Greetings").run()
    dialog.button(key="rename_conversation_now").click().run()
    assert "Greetings" in read(open_screen("chat", conversation=record.id))
    dialog = AppTest.from_function(_delete, args=(record.id,)).run()
    dialog.button(key="delete_conversation_now").click().run()
    assert conversations.revision_of(record.id) is None
    assert NOT_FOUND in read(open_screen("chat", conversation=record.id))


def test_a_conversation_outlives_its_model(open_screen, read, model, tmp_path) -> None:
    other = tuned(tmp_path / "other", "v2")
    app = say(open_screen("chat", model=model.id), "Hello?")
    record = opened(app)
    models.archive([model.id])
    app = open_screen("chat", conversation=record.id)
    assert "was archived or deleted" in read(app)
    say(app, "Still there?")
    assert opened(app).turns[-1].model_id == other.id
    models.archive([other.id])
    app = open_screen("chat", conversation=record.id)
    assert "Answer 1" in read(app)
    assert app.chat_input(key="question").disabled


def test_the_address_changes_only_for_a_choice_and_a_missing_model_is_announced(open_screen, model) -> None:
    app = open_screen("chat")  # writing it at once would trap the browser's Back button
    assert "model" not in app.query_params
    app = open_screen("chat", model="fm_gone")
    assert len(app.toast) == 1
    assert in_address(app, "model") == model.id
