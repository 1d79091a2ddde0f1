"""The studio's own conversations as the source of an import: filtered, rated, corrected, and explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import DataError
from core.services.data import chat_import
from core.services.data.chat_import import review_list
from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice, ConversationRecord
from core.services.serving.feedback import own_chats
from core.services.serving.feedback.own_chats import OwnChats
from tests.support.talking import Talker, finished, talking


@pytest.fixture
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    with talking(monkeypatch, any_model=True) as found:
        yield found


def chat(text: str, model: str = "one", system: str = "") -> ConversationRecord:
    chat_id = conversations.new_conversation_id()
    conversations.send(chat_id, text, AnswerChoice(model, system))
    return finished(chat_id)


def last(conversation: ConversationRecord) -> str:
    assert conversation.last
    return conversation.last.id


def items(asked: OwnChats) -> list[review_list.ReviewItem]:
    """The review list, in its order."""
    draft = own_chats.begin(asked, "Test")
    assert draft.step == "review"
    return review_list.page(review_list.choices(draft.state), limit=50).items


def test_an_accepted_correction_replaces_the_answer_and_ratings_make_the_score(talker: Talker) -> None:
    good, bad, fixed, doubted = (chat(f"Question {number}?", system="Be kind.") for number in range(4))
    feedback.rate(good.id, last(good), author="Ann", thumb=1)
    feedback.rate(bad.id, last(bad), author="Ann", thumb=-1)
    feedback.rate(bad.id, last(bad), author="Bo", stars=1)
    feedback.rate(fixed.id, last(fixed), author="Ann", thumb=-1)
    feedback.decide(feedback.correct(fixed.id, last(fixed), "The right answer.").id, "accepted")
    feedback.correct(doubted.id, last(doubted), "Another answer.")
    found = {item.messages[1].content: item for item in items(OwnChats())}
    scores = {text: item.quality.score for text, item in found.items()}
    assert scores == {"Question 0?": 100, "Question 1?": 0, "Question 2?": 100, "Question 3?": 40}
    assert [message.content for message in found["Question 2?"].messages] == [
        "Be kind.",
        "Question 2?",
        "The right answer.",
    ]
    assert [part.id for part in found["Question 2?"].quality.parts] == ["corrected"]
    assert "rated badly" in found["Question 1?"].quality.text


def test_refusals_and_personal_data_lower_the_score(talker: Talker) -> None:
    talker.says = "I'm sorry, but I can't help with that."
    chat("Write to ann@example.com")
    (item,) = items(OwnChats())
    assert [(part.id, part.points) for part in item.quality.parts] == [("refusals", -30), ("personal_data", -10)]
    assert item.quality.score == 30
    assert item.messages[0].content == "Write to [EMAIL]"


def test_the_filters_choose_and_count(talker: Talker) -> None:
    chat("First?", "one")
    second = chat("Second?", "two")
    feedback.rate(second.id, last(second), thumb=1)
    assert own_chats.count(OwnChats(model_id="two")) == 1
    assert own_chats.count(OwnChats(since=second.created_at)) == 1
    assert own_chats.count(OwnChats(until=second.created_at)) == 1
    assert [item.messages[0].content for item in items(OwnChats(min_quality=80))] == ["Second?"]
    assert [item.messages[0].content for item in items(OwnChats(max_examples=1))] == ["Second?"]
    with pytest.raises(DataError, match="No conversation"):
        own_chats.begin(OwnChats(agent_id="agent_no"), "Test")
    with pytest.raises(DataError, match="quality"):
        own_chats.begin(OwnChats(min_quality=101), "Test")


def test_every_message_is_used_or_left_out_with_a_reason(talker: Talker) -> None:
    for number in range(3):
        chat(f"Question {number}?")
    draft = own_chats.begin(OwnChats(min_quality=80), "Test")
    plan = chat_import.plan(review_list.choices(draft.state))
    assert (plan.messages, plan.used, dict(plan.left)) == (6, 0, {"low_quality": 6})
