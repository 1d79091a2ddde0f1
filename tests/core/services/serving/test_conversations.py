"""Conversations: what is stored of every turn, what a model is sent, and two windows on one conversation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.errors import Conflict, DataError, NotFound, ProviderUnavailable
from core.messages import Message
from core.platform.db.tables import TURNS
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets
from core.services.serving import chat, conversations
from core.services.serving.conversations import AnswerChoice, ChatOptions
from core.services.training import models
from core.serving.conversations.records import LOST_AFTER_S
from tests.support import runs
from tests.support.talking import Talker, finished, talking, tuned

CHOICE = AnswerChoice("any")


@pytest.fixture
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    """Answers for models that exist only in name."""
    with talking(monkeypatch, any_model=True) as found:
        yield found


@pytest.fixture
def on_both(database: str, talker: Talker) -> Talker:
    """The same on SQLite and PostgreSQL."""
    return talker


@pytest.fixture
def strict_talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    """Answers for the studio's models."""
    with talking(monkeypatch) as found:
        yield found


def say(conversation_id: str, text: str, choice: AnswerChoice = CHOICE) -> conversations.ConversationRecord:
    known = conversations.list_conversations()[0]
    seen = conversations.get_conversation(conversation_id).last_id if known else ""
    conversations.send(conversation_id, text, choice, seen=seen)
    return finished(conversation_id)


def test_every_turn_is_stored_with_what_produced_it(strict_talker: Talker, tmp_path: Path) -> None:
    model = tuned(tmp_path / "adapter")
    choice = AnswerChoice(model.id, "Be kind.", ChatOptions(64, 0.5))
    found = say(conversations.new_conversation_id(), "How do refunds  work?\nTell me.", choice)
    asked, answer = found.turns
    assert (asked.role, asked.content, asked.position) == ("user", "How do refunds  work?\nTell me.", 0)
    assert found.title == "How do refunds work? Tell me."
    assert (answer.content, answer.state, answer.finish_reason) == ("Answer 1", "complete", "stop")
    assert (answer.model_id, answer.model_name, answer.base_model) == (model.id, model.name, "starter")
    assert answer.adapter == model.manifest["files"]["adapter_model.safetensors"]["sha256"]
    assert (answer.prompt_tokens, answer.completion_tokens) == (12, 3)
    assert answer.first_token_s is not None
    assert answer.first_token_s <= answer.seconds
    assert (answer.system, answer.settings) == ("Be kind.", {"max_tokens": 64, "temperature": 0.5})
    assert strict_talker.options[0] == ChatOptions(64, 0.5)


def test_a_later_input_is_sent_with_every_earlier_turn(talker: Talker) -> None:
    choice = AnswerChoice("any", "Be kind.")
    conversation = conversations.new_conversation_id()
    say(conversation, "First?", choice)
    say(conversation, "Second?", choice)
    assert [(message["role"], message["content"]) for message in talker.asked[1]] == [
        ("system", "Be kind."),
        ("user", "First?"),
        ("assistant", "Answer 1"),
        ("user", "Second?"),
    ]


def test_an_input_sent_twice_is_sent_once(on_both: Talker) -> None:
    conversation = conversations.new_conversation_id()
    conversations.send(conversation, "Hello?", CHOICE)
    conversations.send(conversation, "Hello?", CHOICE)
    assert len(finished(conversation).turns) == 2
    assert len(on_both.asked) == 1


def test_a_window_that_missed_a_message_does_not_send(talker: Talker) -> None:
    conversation = conversations.new_conversation_id()
    both_saw = say(conversation, "Hello?", CHOICE).last_id
    say(conversation, "From one window", CHOICE)
    with pytest.raises(Conflict, match="another window"):
        conversations.send(conversation, "From the other", CHOICE, seen=both_saw)
    with pytest.raises(Conflict, match="another window"):
        conversations.regenerate(conversation, both_saw, CHOICE, seen=both_saw)
    assert len(finished(conversation).turns) == 4


def test_a_stopped_answer_keeps_what_arrived(talker: Talker) -> None:
    talker.go.clear()
    conversation = conversations.new_conversation_id()
    running = conversations.send(conversation, "Hello?", CHOICE).last
    assert running is not None
    assert talker.began.wait(120)
    live = conversations.progress(running)
    assert live is not None
    assert (live.content, live.is_running) == ("Answer ", True)
    conversations.stop(running.id)
    found = conversations.get_conversation(conversation).last
    assert found is not None
    assert (found.content, found.state) == ("Answer ", "stopped")
    assert talker.closed.wait(120), "the server stops as well"
    talker.go.set()
    say(conversation, "Go on", CHOICE)
    assert [message["content"] for message in talker.asked[1]] == ["Hello?", "Answer ", "Go on"]


def test_another_process_can_stop_an_answer(talker: Talker) -> None:
    talker.go.clear()
    running = conversations.send(conversations.new_conversation_id(), "Hello?", CHOICE).last
    assert running is not None
    assert talker.began.wait(120)
    entry = conversations._OPEN.pop(running.id)  # as a second process, which does not receive it
    conversations.stop(running.id)
    assert entry.saved.wait(120)
    assert entry.answer.state == "stopped"


def test_an_answer_whose_process_ended_is_interrupted(talker: Talker) -> None:
    conversation = conversations.new_conversation_id()
    last = say(conversation, "Hello?", CHOICE).last
    assert last is not None
    with UnitOfWork() as uow:
        long_ago = {"state": "running", "updated_at": last.updated_at - LOST_AFTER_S - 1}
        uow.execute(TURNS.update().where(TURNS.c.id == last.id).values(**long_ago))
        uow.commit()
    found = conversations.get_conversation(conversation)
    assert [turn.state for turn in found.turns] == ["complete", "interrupted"]
    assert len(say(conversation, "Still there?", CHOICE).turns) == 4
    assert [turn.state for turn in finished(conversation).turns] == ["complete", "interrupted", "complete", "complete"]


def test_a_failed_answer_is_kept_with_its_remedy_and_left_out_of_the_next_prompt(
    talker: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = conversations.new_conversation_id()

    def away(*_: object) -> Iterator[chat.AnswerChunk]:
        raise ProviderUnavailable("Nothing answers.", "Start it with `sft up`.")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Talker, "chat", away)
        answer = say(conversation, "Hello?", CHOICE).last
    assert answer is not None
    assert (answer.state, answer.error["remedy"]) == ("failed", "Start it with `sft up`.")
    say(conversation, "And now?", CHOICE)
    assert [message["content"] for message in talker.asked[0]] == ["And now?"]


def test_an_edited_input_replaces_what_follows(on_both: Talker) -> None:
    conversation = conversations.new_conversation_id()
    say(conversation, "First?", CHOICE)
    before = say(conversation, "Second?", CHOICE)
    conversations.edit(conversation, before.turns[0].id, "Better first?", CHOICE, seen=before.last_id)
    found = finished(conversation)
    assert [turn.content for turn in found.turns] == ["Better first?", "Answer 3"]
    assert found.title == "Better first?"
    assert [message["content"] for message in on_both.asked[2]] == ["Better first?"]


def test_an_answer_is_generated_again_by_another_model(talker: Talker) -> None:
    conversation = conversations.new_conversation_id()
    before = say(conversation, "Hello?", AnswerChoice("v1"))
    conversations.regenerate(conversation, before.last_id, AnswerChoice("v2"), seen=before.last_id)
    found = finished(conversation)
    assert [(turn.content, turn.model_name) for turn in found.turns] == [("Hello?", ""), ("Answer 2", "v2")]
    assert found.model_id == "v2"


def test_a_conversation_outlives_its_model(strict_talker: Talker, tmp_path: Path) -> None:
    model = tuned(tmp_path / "adapter")
    conversation = conversations.new_conversation_id()
    seen = say(conversation, "Hello?", AnswerChoice(model.id)).last_id
    models.archive([model.id])
    with pytest.raises(NotFound, match="archived"):
        conversations.send(conversation, "Still there?", AnswerChoice(model.id), seen=seen)
    models.delete(model.id, model.name)
    with pytest.raises(NotFound):
        conversations.send(conversation, "Still there?", AnswerChoice(model.id), seen=seen)
    found = conversations.get_conversation(conversation)
    assert [turn.model_name for turn in found.turns] == ["", model.name]


def test_the_list_is_newest_first_and_can_be_searched(on_both: Talker) -> None:
    ids = [conversations.new_conversation_id() for _ in range(3)]
    for number, conversation in enumerate(ids):
        conversations.send(conversation, f"Input {number}", CHOICE)
        finished(conversation)
    say(ids[0], "Again", CHOICE)
    found, total = conversations.list_conversations(limit=2)
    assert ([item.id for item in found], total) == ([ids[0], ids[2]], 3)
    assert conversations.rename(ids[1], "  100% of  returns ").title == "100% of returns"
    assert [item.id for item in conversations.list_conversations("0% OF")[0]] == [ids[1]]
    assert [item.id for item in conversations.list_conversations()[0]] == [ids[0], ids[2], ids[1]]  # no new message
    say(ids[1], "More", CHOICE)
    assert conversations.get_conversation(ids[1]).title == "100% of returns"


def test_a_deleted_conversation_stops_its_answer(on_both: Talker) -> None:
    on_both.go.clear()
    conversation = conversations.new_conversation_id()
    running = conversations.send(conversation, "Hello?", CHOICE).last
    assert running is not None
    conversations.delete(conversation)
    conversations.delete(conversation)  # the other window
    assert on_both.closed.wait(120)
    assert conversations.revision_of(conversation) is None
    with pytest.raises(NotFound):
        conversations.get_conversation(conversation)


@pytest.mark.parametrize(
    ("text", "system", "said"),
    [("  \n", "", "empty"), ("x" * 100_001, "", "too long"), ("Hello?", "x" * 100_001, "system message is too long")],
)
def test_what_cannot_be_sent_creates_nothing(talker: Talker, text, system, said) -> None:
    with pytest.raises(DataError, match=said):
        conversations.send(conversations.new_conversation_id(), text, AnswerChoice("any", system))
    assert conversations.list_conversations() == ([], 0)


@pytest.mark.parametrize("title", ["", "  ", "x" * 121])
def test_a_title_has_limits(talker: Talker, title: str) -> None:
    found = say(conversations.new_conversation_id(), "Hello?", CHOICE)
    with pytest.raises(DataError, match="1 to 120 characters"):
        conversations.rename(found.id, title)


def test_the_system_message_of_the_examples_is_the_default(studio_env: Path, tmp_path: Path) -> None:
    kind = Message("system", "Be kind.")
    examples = [replace(example, messages=(kind, *example.messages)) for example in load_sample().train]
    data = datasets.create_dataset("Kind", [*examples, load_sample().train[0]])
    model = runs.succeed(runs.launch(data, "Kind v1"), tmp_path / "adapter")
    assert chat.default_system(model.id) == "Be kind."
    assert chat.default_system("starter") == ""
