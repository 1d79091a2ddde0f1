"""The screen Feedback: corrections are reviewed one by one, ratings listed, and a dataset is made of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.data import datasets
from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice
from core.services.serving.feedback import CorrectionRecord
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support.talking import finished, talking


@pytest.fixture
def corrections(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[CorrectionRecord]]:
    with talking(monkeypatch, any_model=True):
        made = []
        for name in ("Ann", "Bo", "Di"):
            chat = conversations.new_conversation_id()
            conversations.send(chat, f"Question of {name}?", AnswerChoice("any"))
            answer = finished(chat).last_id
            feedback.rate(chat, answer, author=name, thumb=-1, comment=f"No, says *{name}*.")
            made.append(feedback.correct(chat, answer, f"Better, says {name}.", author=name))
        yield made


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def states() -> list[str]:
    return [one.state for one in feedback.look_up(feedback.wanted())[0]]


@pytest.mark.parametrize(("screen", "card"), [("agents", "no_agent_model"), ("feedback", "no_feedback_model")])
def test_a_studio_without_a_model_leads_to_the_demo(screen: str, card: str, open_screen) -> None:
    assert {f"empty_{card}", f"empty_btn_{card}"} <= keys(open_screen(screen))


def test_the_queue_goes_on_to_the_next_one(open_screen, read, corrections) -> None:
    app = open_screen("feedback")
    assert "Ann" in read(app)
    press(press(app, "review_next"), "review_previous")
    press(app, "review_accepted_now")
    assert states() == ["accepted", "new", "new"]
    press(app, "review_next")
    press(app, "review_rejected_now")
    assert states() == ["accepted", "new", "rejected"]
    assert {"review_accepted_now", "open_conversation"} <= keys(app)
    press(open_screen("feedback", show="accepted"), "review_new_now")
    assert states() == ["new", "new", "rejected"]


def test_a_correction_that_was_decided_in_another_window_is_not_decided_again(open_screen, read, corrections) -> None:
    app = open_screen("feedback")
    feedback.decide(corrections[0].id, "rejected", by="Bo")
    press(app, "review_accepted_now")
    assert states() == ["rejected", "new", "new"]
    assert "Bo" in "".join(str(item.value) for item in app.warning)


def test_what_is_in_a_dataset_links_to_it_and_cannot_be_decided(open_screen, read, corrections) -> None:
    feedback.decide(corrections[0].id, "accepted")
    feedback.make_dataset("Corrections")
    app = open_screen("feedback", show="accepted")
    assert "review_rejected_now" not in keys(app)
    assert "Corrections" in read(app)


def test_ratings_are_listed_and_readable_without_their_conversation(open_screen, read, corrections) -> None:
    conversations.delete(corrections[0].conversation_id)
    app = open_screen("feedback", show="ratings")
    shown = read(app)
    assert md("“No, says *Bo*.”")[1:-1] in shown
    assert "Question of Ann?" in shown
    assert sum(key.startswith("open_vote") for key in keys(app)) == 2
    assert sum(key.startswith("read_vote") for key in keys(app)) >= 1


def test_a_search_finds_a_person_and_an_unknown_text_nothing(open_screen, corrections) -> None:
    app = open_screen("feedback")
    app.text_input(key="feedback_search").set_value("says di").run()
    assert "Question of Di?" in "".join(str(item.value) for item in app.text)
    app.text_input(key="feedback_search").set_value("nothing").run()
    assert "review_empty" in keys(app)


def _make(model_id: str) -> None:
    from pages.serving._feedback import making

    making.make(model_id)


def test_a_dataset_is_made_in_the_dialog(open_screen, read, corrections) -> None:
    """AppTest cannot press a button in a dialog that a click opened."""
    read(press(open_screen("feedback"), "make_dataset"))
    dialog = AppTest.from_function(_make, args=("",)).run()
    assert dialog.button(key="make_dataset_now").disabled
    for one in corrections[:2]:
        feedback.decide(one.id, "accepted")
    dialog = AppTest.from_function(_make, args=("",)).run()
    dialog.text_input(key="feedback_name").set_value("Corrections of May").run()
    press(dialog, "make_dataset_now")
    made = datasets.get_dataset("Corrections of May")
    assert made.examples == 2
    shown = open_screen("datasets", id=made.id)
    assert "Ann" in read(shown)
    assert {"came_from_0", "came_from_1"} <= keys(shown)


def _edit(correction_id: str) -> None:
    from core.services.serving import feedback
    from pages.serving._feedback import review

    review.edit(feedback.get(correction_id))


def test_a_reviewer_edits_a_correction(open_screen, read, corrections) -> None:
    dialog = AppTest.from_function(_edit, args=(corrections[1].id,)).run()
    dialog.text_area(key=f"edited_{corrections[1].id}").set_value("Best.").run()
    press(dialog, "save_edited")
    assert (feedback.get(corrections[1].id).text, feedback.get(corrections[1].id).proposed) == (
        "Best.",
        "Better, says Bo.",
    )
    app = press(open_screen("feedback"), "review_next")
    assert "Better, says Bo." in [str(item.value) for item in app.text]
    read(press(app, "review_edit"))
