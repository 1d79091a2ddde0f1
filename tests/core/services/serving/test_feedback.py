"""Votes and corrections: one for each person, several people at once, the review, and the dataset made of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Conflict, DataError, NotFound
from core.services.data import datasets, lineage
from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice, ConversationRecord, TurnRecord
from core.services.serving.feedback import CorrectionRecord
from tests.support.talking import Talker, finished, talking

CHOICE = AnswerChoice("any", "Be kind.")


@pytest.fixture
def talker(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    with talking(monkeypatch, any_model=True) as found:
        yield found


@pytest.fixture
def on_both(database: str, talker: Talker) -> Talker:
    """The same on SQLite and PostgreSQL."""
    return talker


def ask(text: str = "How do refunds work?", chat: ConversationRecord | None = None) -> tuple[str, TurnRecord]:
    """The conversation and the answer to an input."""
    chat_id = chat.id if chat else conversations.new_conversation_id()
    conversations.send(chat_id, text, CHOICE, seen=chat.last_id if chat else "")
    found = finished(chat_id)
    assert found.last
    return chat_id, found.last


def accepted(text: str, question: str) -> CorrectionRecord:
    one = feedback.correct(*_ids(question), text, author="Ann")
    return feedback.decide(one.id, "accepted", by="Bo")


def _ids(question: str) -> tuple[str, str]:
    chat, answer = ask(question)
    return chat, answer.id


def test_a_vote_is_one_for_each_person_and_can_be_changed(on_both: Talker) -> None:
    chat, answer = ask()
    feedback.rate(chat, answer.id, author="Ann", thumb=-1, reasons=["made_up", "made_up"], comment=" No such page. ")
    feedback.rate(chat, answer.id, author="Bo", stars=4)
    feedback.rate(chat, answer.id, author="Ann", stars=2)
    votes = feedback.of_turn(chat, answer.id).votes
    assert [(vote.author, vote.thumb, vote.stars, vote.reasons, vote.comment) for vote in votes] == [
        ("Ann", -1, 2, ("made_up",), "No such page."),
        ("Bo", 0, 4, (), ""),
    ]
    assert feedback.tally() == (2, 0, 1)
    assert feedback.rate(chat, answer.id, author="Bo", stars=0) is None
    assert [vote.author for vote in feedback.latest()] == ["Ann"]


def test_the_snapshot_stays_with_the_vote_when_the_conversation_is_deleted(talker: Talker) -> None:
    chat, _ = ask("First?")
    _, answer = ask("Second?", conversations.get_conversation(chat))
    feedback.rate(chat, answer.id, thumb=1)
    conversations.delete(chat)
    (vote,) = feedback.latest()
    assert [(message.role, message.content) for message in vote.snapshot.messages] == [
        ("system", "Be kind."),
        ("user", "First?"),
        ("assistant", "Answer 1"),
        ("user", "Second?"),
    ]
    assert (vote.snapshot.answer, vote.model_id, vote.snapshot.title) == ("Answer 2", "any", "First?")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"thumb": 2}, "thumb"),
        ({"stars": 6}, "stars"),
        ({"stars": True}, "stars"),
        ({"reasons": ["ugly"]}, "reasons"),
        ({"reasons": "ugly"}, "reasons"),
        ({"comment": "x" * 5_000}, "comment"),
        ({"thumb": 1, "author": "x" * 300}, "author"),
    ],
)
def test_a_vote_with_an_impossible_value_is_refused(talker: Talker, values: dict[str, object], field: str) -> None:
    chat, answer = ask()
    with pytest.raises(DataError) as refused:
        feedback.rate(chat, answer.id, **values)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert feedback.tally() == (0, 0, 0)


def test_only_a_complete_answer_can_be_judged(talker: Talker) -> None:
    chat, answer = ask()
    question = conversations.get_conversation(chat).turns[0]
    with pytest.raises(DataError):
        feedback.rate(chat, question.id, thumb=1)
    with pytest.raises(NotFound):
        feedback.correct(chat, "turn_no", "Better.")
    talker.go.clear()
    running = conversations.send(chat, "And then?", CHOICE, seen=answer.id).last_id
    with pytest.raises(Conflict):
        feedback.correct(chat, running, "Better.")
    talker.go.set()
    finished(chat)


def test_two_people_who_correct_one_answer_at_once_are_both_kept_in_order(on_both: Talker) -> None:
    chat, answer = ask()
    start = threading.Barrier(4)

    def correct(name: str) -> None:
        start.wait(10)
        feedback.correct(chat, answer.id, f"Better, says {name}.", author=name)

    people = [threading.Thread(target=correct, args=(name,)) for name in ("Ann", "Bo", "", "Di")]
    for person in people:
        person.start()
    for person in people:
        person.join(240)
    found = feedback.of_turn(chat, answer.id).corrections
    assert {(one.author, one.text) for one in found} == {
        (name, f"Better, says {name}.") for name in ("Ann", "Bo", "", "Di")
    }
    assert [one.created_at for one in found] == sorted(one.created_at for one in found)


def test_the_same_correction_twice_is_one(talker: Talker) -> None:
    chat, answer = ask()
    first = feedback.correct(chat, answer.id, "Better.", author="Ann")
    assert feedback.correct(chat, answer.id, " Better. ", author="Ann").id == first.id
    assert feedback.correct(chat, answer.id, "Better.", author="Bo").id != first.id
    for text in ("", "  \n", answer.content, "x" * 200_000):
        with pytest.raises(DataError):
            feedback.correct(chat, answer.id, text)


def test_a_review_says_by_whom_and_when_and_can_be_taken_back(talker: Talker) -> None:
    chat, answer = ask()
    one = feedback.correct(chat, answer.id, "Better.", author="Ann")
    edited = feedback.edit(one.id, "Even better.", by="Bo")
    assert (edited.text, edited.proposed, edited.edited_by, edited.is_edited) == ("Even better.", "Better.", "Bo", True)
    decided = feedback.decide(one.id, "accepted", by="Bo", seen="new")
    assert (decided.state, decided.decided_by) == ("accepted", "Bo")
    assert decided.decided_at
    with pytest.raises(Conflict, match="accepted in the meantime by Bo"):
        feedback.decide(one.id, "rejected", by="Di", seen="new")
    again = feedback.decide(one.id, "new", by="Di", seen="accepted")
    assert (again.state, again.decided_by, again.decided_at) == ("new", "", None)
    found, counts = feedback.look_up(feedback.wanted("new", search="even ANN"))
    assert ([item.id for item in found], counts) == ([one.id], {"new": 1, "accepted": 0, "rejected": 0})
    with pytest.raises(DataError):
        feedback.decide(one.id, "maybe")
    feedback.remove(one.id)
    with pytest.raises(NotFound):
        feedback.get(one.id)


def test_the_author_who_changes_a_correction_changes_the_own_words(talker: Talker) -> None:
    chat, answer = ask()
    one = feedback.correct(chat, answer.id, "Better.", author="Ann")
    changed = feedback.edit(one.id, "Best.", by="Ann")
    assert (changed.text, changed.proposed, changed.is_edited) == ("Best.", "Best.", False)


def test_one_answer_has_one_accepted_correction(talker: Talker) -> None:
    chat, answer = ask()
    first, second = (feedback.correct(chat, answer.id, f"By {name}.", author=name) for name in ("Ann", "Bo"))
    feedback.decide(first.id, "accepted")
    with pytest.raises(Conflict, match="accepted by Ann"):
        feedback.decide(second.id, "accepted")
    feedback.decide(first.id, "rejected")
    assert feedback.decide(second.id, "accepted").state == "accepted"


def test_accepted_corrections_become_examples_and_preference_pairs(talker: Talker) -> None:
    accepted("Within 30 days. Mail ann@example.com.", "How do refunds work?")
    accepted("We ship on Monday.", "When do you ship?")
    rejected = feedback.correct(*_ids("Who are you?"), "The help desk.", author="Ann")
    feedback.decide(rejected.id, "rejected")
    waits = feedback.correct(*_ids("Hello?"), "Good morning.")
    good = _ids("Is it open?")
    feedback.rate(*good, author="Ann", thumb=1)
    planned = feedback.plan()
    assert (planned.corrections, planned.pairs, planned.good, planned.waiting) == (2, 2, 1, 1)
    made = feedback.make_dataset("From feedback", good=True)
    assert (made.examples, made.pairs, made.duplicates) == (3, 2, 0)
    first, second, third = datasets.iter_examples(made.version_id)
    assert [message.content for message in first.messages] == [
        "Be kind.",
        "How do refunds work?",
        "Within 30 days. Mail [EMAIL].",
    ]
    assert [message.content for message in first.rejected] == ["Answer 1"]
    assert second.answer == "We ship on Monday."
    assert not third.rejected
    dataset = datasets.get_dataset(made.dataset_id)
    assert (dataset.origin, dataset.version.id) == ("feedback", made.version_id)
    assert feedback.get(waits.id).dataset_id == ""
    with pytest.raises(DataError, match="1 correction"):
        feedback.make_dataset("Again")


def test_where_each_example_came_from_is_stored_beside_it(talker: Talker) -> None:
    one = accepted("Within 30 days.", "How do refunds work?")
    made = feedback.make_dataset("From feedback")
    known = datasets.provenance_at(made.version_id, [0, 1])
    assert list(known) == [0]
    assert (known[0]["correction_id"], known[0]["conversation_id"]) == (one.id, one.conversation_id)
    assert (known[0]["corrected_by"], known[0]["accepted_by"]) == ("Ann", "Bo")


def test_later_corrections_become_the_next_version_of_the_dataset(talker: Talker) -> None:
    first = accepted("Within 30 days.", "How do refunds work?")
    made = feedback.make_dataset("From feedback")
    with pytest.raises(Conflict, match="part of the dataset"):
        feedback.decide(first.id, "rejected")
    accepted("We ship on Monday.", "When do you ship?")
    again = feedback.make_dataset(dataset_id=made.dataset_id)
    version = datasets.get_dataset(made.dataset_id).version
    assert (version.number, version.examples, version.id) == (2, 2, again.version_id)
    known = datasets.provenance_at(version.id, [0, 1])
    assert [known[position]["made_of"] for position in (0, 1)] == ["correction", "correction"]
    datasets.delete(made.dataset_id, "From feedback")
    assert feedback.plan().corrections == 2  # they can go into another one


def test_the_lineage_leads_from_the_corrected_model_to_the_dataset(talker: Talker) -> None:
    accepted("Within 30 days.", "How do refunds work?")
    made = feedback.make_dataset("From feedback")
    found = lineage.of_dataset(made.dataset_id)
    assert [(edge.source, edge.target, edge.text) for edge in found.edges] == [("any", made.version_id, "1 corrected")]
    assert {node.kind for node in found.nodes} == {"model", "dataset_version"}


def test_two_datasets_made_at_once_do_not_share_a_correction(talker: Talker, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.services.serving.feedback import gathering

    accepted("Within 30 days.", "How do refunds work?")
    found = gathering._found("", "", good=False)
    feedback.make_dataset("One")
    monkeypatch.setattr(gathering, "_found", lambda *_, **__: found)  # the other one looked before
    with pytest.raises(Conflict, match="meantime"):
        feedback.make_dataset("Two")
    assert [dataset.name for dataset in datasets.list_datasets()] == ["One"]
