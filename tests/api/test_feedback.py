"""Feedback over HTTP: votes in the name of a key, corrections, their review, and a dataset of them."""

from __future__ import annotations

import pytest

from core.services.serving import conversations
from core.services.serving.conversations import AnswerChoice
from tests.support.talking import finished, talking


@pytest.fixture
def turn(studio_env, monkeypatch: pytest.MonkeyPatch):
    """The path of an answer."""
    with talking(monkeypatch, any_model=True):
        chat = conversations.new_conversation_id()
        conversations.send(chat, "How do refunds work?", AnswerChoice("any"))
        yield f"/api/v1/conversations/{chat}/turns/{finished(chat).last_id}"


def test_the_vote_of_a_program_has_the_name_of_its_key_and_of_its_user(open_api, new_key, turn: str) -> None:
    client = open_api(key=new_key("serve"))
    client.put(f"{turn}/feedback", json={"thumb": -1, "reasons": ["made_up"], "user": "Customer 17"})
    shown = client.put(f"{turn}/feedback", json={"stars": 4}).json()
    assert [(vote["author"], vote["thumb"], vote["stars"]) for vote in shown["votes"]] == [
        ("Test / Customer 17", -1, 0),
        ("Test", 0, 4),
    ]
    assert client.get("/api/v1/feedback", params={"limit": 1}).json()["next"] == 1
    wrong = client.put(f"{turn}/feedback", json={"reasons": ["ugly"]})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "reasons")
    assert client.put(f"{turn}x/feedback", json={"thumb": 1}).status_code == 404


def test_a_correction_is_reviewed_and_becomes_a_dataset(client, turn: str) -> None:
    one = client.post(f"{turn}/corrections", json={"text": "Within 30 days.", "user": "Ann"}).json()
    assert (one["state"], one["author"], one["snapshot"]["answer"]) == ("new", "Ann", "Answer 1")
    path = f"/api/v1/corrections/{one['id']}"
    tag = client.get(path).headers["etag"]
    done = client.patch(path, json={"text": "In 30 days.", "state": "accepted", "seen": "new", "user": "Bo"}).json()
    assert (done["text"], done["proposed"], done["decided_by"]) == ("In 30 days.", "Within 30 days.", "Bo")
    assert client.patch(path, json={"state": "rejected"}, headers={"If-Match": tag}).status_code == 412
    assert client.patch(path, json={"state": "rejected", "seen": "new"}).status_code == 409
    page = client.get("/api/v1/corrections", params={"state": "accepted"}).json()
    assert (page["total"], page["counts"]["accepted"], page["next"]) == (1, 1, None)
    made = client.post("/api/v1/feedback/dataset", json={"name": "From feedback"}).json()
    assert (made["examples"], made["pairs"]) == (1, 1)
    exported = client.get(f"/api/v1/datasets/{made['dataset_id']}/export", params={"format": "dpo"}).text
    assert '"rejected": [{"role": "assistant", "content": "Answer 1"}]' in exported
    assert client.delete(path).status_code == 409


def test_a_review_needs_the_scope_of_data(open_api, new_key, turn: str) -> None:
    client = open_api(key=new_key("serve"))
    one = client.post(f"{turn}/corrections", json={"text": "Within 30 days."}).json()
    assert client.patch(f"/api/v1/corrections/{one['id']}", json={"state": "accepted"}).status_code == 403


def test_the_studios_own_conversations_are_imported_by_filters(client, turn: str) -> None:
    path = "/api/v1/datasets/import-from-conversations"
    body = {"name": "Chats", "model": "any", "min_quality": 50, "max_examples": 5}
    made = client.post(path, json=body)
    assert made.status_code == 202, made.text
    assert made.json()["kind"] == "chat_import"
    assert (
        client.post("/fine-tuning/datasets/import-from-conversations", json=body | {"name": "More"}).status_code == 202
    )
    nothing = client.post(path, json=body | {"name": "Other", "model": "no"})
    assert (nothing.status_code, "No conversation" in nothing.text) == (400, True)
    assert client.post(path, json=body | {"name": "Other", "agent": "no"}).status_code == 404
    assert client.post(path, json={"name": "Other", "min_quality": 99}).status_code == 400
