"""Feedback in a chat: thumbs, reasons, comment, a correction with the words that differ, and what others think."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice, TurnRecord
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support.talking import finished, talking, tuned


@pytest.fixture
def answer(studio_env: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TurnRecord]:
    with talking(monkeypatch):
        model = tuned(tmp_path / "adapter")
        chat = conversations.new_conversation_id()
        conversations.send(chat, "How do refunds work?", AnswerChoice(model.id))
        found = finished(chat).last
        assert found
        yield found


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_a_vote_with_its_reasons_is_saved_as_it_is_chosen(open_screen, read, answer: TurnRecord) -> None:
    app = press(open_screen("chat", conversation=answer.conversation_id), f"thumb_down_{answer.id}")
    assert f"vote_details_{answer.id}" in keys(app)
    app.button_group(key=f"reasons_{answer.id}_bad").set_value(["made_up", "too_long"]).run()
    app.text_input(key=f"comment_{answer.id}").input("There is no such **page**.").run()
    (vote,) = feedback.of_turn(answer.conversation_id, answer.id).votes
    assert (vote.author, vote.thumb, vote.reasons) == ("", -1, ("made_up", "too_long"))
    press(app, f"done_{answer.id}")
    assert f"vote_details_{answer.id}" not in keys(app)
    assert md("There is no such **page**.") in read(app)
    press(app, f"thumb_up_{answer.id}")
    (vote,) = feedback.of_turn(answer.conversation_id, answer.id).votes
    assert vote.thumb == 1
    press(app, f"thumb_up_{answer.id}")
    assert feedback.of_turn(answer.conversation_id, answer.id).votes[0].thumb == 0


def _correct(chat_id: str) -> None:
    from core.services.serving import conversations
    from pages.serving._chat import correcting

    last = conversations.get_conversation(chat_id).last
    assert last
    correcting.correct(last)


def test_the_answer_is_corrected_in_a_dialog_that_shows_what_changes(open_screen, read, answer: TurnRecord) -> None:
    """AppTest cannot press a button in a dialog that a click opened."""
    read(press(open_screen("chat", conversation=answer.conversation_id), f"correct_{answer.id}"))
    feedback.correct(answer.conversation_id, answer.id, "Ask Bo.", author="bo@example.com")
    for text in ("Answer 1, within <30> days", "Within 30 days"):
        dialog = AppTest.from_function(_correct, args=(answer.conversation_id,)).run()
        dialog.text_area(key=f"correction_{answer.id}").set_value(text).run()
        assert "Ask Bo." in read(dialog)
        press(dialog, "save_correction")
    assert [(one.author, one.text) for one in feedback.of_turn(answer.conversation_id, answer.id).corrections] == [
        ("bo@example.com", "Ask Bo."),
        ("", "Within 30 days"),
    ]


def test_the_words_that_differ_are_marked_and_escaped(open_screen) -> None:
    dialog = AppTest.from_function(_compared).run()
    shown = "".join(str(item.proto.body) for item in dialog.get("html"))
    assert "<mark>&lt;b&gt;" in shown
    assert "<b>" not in shown


def _compared() -> None:
    from pages.ui.answers import corrected

    corrected.compared("Ask me", "<b> Ask me", key="here")


def test_what_others_think_is_below_the_answer(open_screen, read, answer: TurnRecord) -> None:
    feedback.rate(answer.conversation_id, answer.id, author="ann@example.com", thumb=-1, stars=2)
    feedback.correct(answer.conversation_id, answer.id, "Better.", author="bo@example.com")
    app = open_screen("chat", conversation=answer.conversation_id)
    shown = read(app)
    assert "2 of 5 stars" in shown
    assert md("bo@example.com") in shown
    assert f"opinions_{answer.id}" in keys(app)


def test_a_refused_vote_is_said_below_the_answer(open_screen, read, answer: TurnRecord) -> None:
    app = open_screen("chat", conversation=answer.conversation_id)
    conversations.delete(answer.conversation_id)
    press(app, f"thumb_up_{answer.id}")
    assert feedback.tally() == (0, 0, 0)
    assert "does not exist" in read(app)
