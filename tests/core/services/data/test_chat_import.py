"""Chat logs become datasets: every message is counted, decisions are stored, redaction is on, crashes are harmless."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.errors import Conflict, DataError, NotFound
from core.platform.db.uow import UnitOfWork
from core.services.data import chat_import, datasets, sources
from core.services.data.chat_import import reading as chat_reading, review_list as chat_review
from core.services.platform import drafts, tasks
from core.services.platform.drafts import DraftRecord
from worker.handlers import chat_import as chat_import_handler
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")


def chats(count: int = 12, repeated: int = 0) -> bytes:
    """ShareGPT chats with personal data, an unanswered end and a message without a speaker."""
    rows = []
    for n in [*range(count), *range(repeated)]:
        turns = [
            {"from": "human", "value": f"I am user {n}, mail me at u{n}@example.com"},
            {"from": "gpt", "value": f"Done, number {n}."},
            {"from": "human", "value": "Thanks"},
            {"value": "who said this?"},
        ]
        rows.append({"id": f"c{n}", "conversations": turns})
    return json.dumps(rows).encode()


def begun(content: bytes, name: str = "chats.json", **state: Any) -> DraftRecord:
    draft = chat_import.begin(chat_import.ingest(io.BytesIO(content), name))
    chosen = chat_import.choices(draft.state)
    found = chat_reading.summary(chosen.source_id, chosen.options)
    recipe = {**chat_review.suggested(chosen.source_id, found), **state.pop("recipe", {})}
    return drafts.update(draft.id, None, {"recipe": recipe, "name": "Chats", **state})


def imported(draft: DraftRecord) -> tuple[Any, list[dict[str, Any]], list[str]]:
    """The dataset, what was left out, and every text of it."""
    ended = execute(chat_import.start(draft.id).id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    dataset = datasets.get_dataset(ended.result["dataset_id"])
    left = [json.loads(line) for line in b"".join(chat_import.left_out(dataset.version.id)).splitlines()]
    texts = [m.content for example in datasets.iter_examples(dataset.version.id) for m in example.messages]
    counts = dataset.version.manifest.counts
    assert counts.read == counts.accepted + counts.rejected
    assert counts.rejected == sum(item["messages"] for item in left)
    return dataset, left, texts


def test_every_message_is_imported_or_left_out_with_its_reason() -> None:
    draft = begun(chats(12, repeated=3))
    plan = chat_import.plan(chat_import.choices(draft.state))
    assert (plan.conversations, plan.messages, plan.examples) == (15, 60, 12)
    assert plan.left == {"unanswered": 15, "no_speaker": 15, "duplicate": 6}
    assert plan.used == 24
    dataset, left, texts = imported(draft)
    counts = dataset.version.manifest.counts
    assert (counts.read, counts.accepted, counts.rejected) == (60, 24, 36)
    assert dataset.origin == "chat_import"
    assert dataset.version.examples == 12
    assert {item["reason"] for item in left} == {"unanswered", "no_speaker", "duplicate"}
    assert not any("@example.com" in text for text in texts)
    assert not any("@example.com" in item["raw"] for item in left)
    assert sum("[EMAIL]" in text for text in texts) == 12
    by_code = datasets.finding_counts(dataset.version.id)
    assert by_code["chat_left_out"] == 3
    assert by_code["chat_redacted"] == 1


def test_redaction_can_be_turned_off() -> None:
    dataset, _, texts = imported(begun(chats(), recipe={"redact": False}))
    assert sum("@example.com" in text for text in texts) == 12
    assert dataset.version.manifest.counts.redacted == 0


def test_the_review_decides() -> None:
    draft = begun(chats())
    page = chat_import.review(chat_import.choices(draft.state), 0, 3)
    assert page.total == 12
    assert "[EMAIL]" in page.items[0].messages[0].content
    first, second, third = (item.key for item in page.items)
    edited = chat_review.checked_edit([{"role": "user", "content": "Q"}, {"role": "assistant", "content": "a@b.org"}])
    decisions = {
        first: {"do": "drop"},
        second: {"do": "edit", "messages": edited},
        third: {"do": "keep"},
        "gone#0": {"do": "drop"},
    }
    draft = drafts.update(draft.id, None, {"decisions": decisions})
    chosen = chat_import.choices(draft.state)
    plan = chat_import.plan(chosen)
    assert (plan.imported, plan.decided, plan.edited, plan.dropped, plan.stale) == (11, 3, 1, 1, 1)
    assert plan.left["dropped"] == 2
    for show, total in {"new": 9, "keep": 1, "edit": 1, "drop": 1, "all": 12}.items():
        assert chat_import.review(chosen, 0, 5, show).total == total
    found = chat_import.review(chosen, 0, 5, "all", "NUMBER 7")
    assert [item.number for item in found.items] == [7]
    dataset, left, texts = imported(draft)
    assert dataset.version.examples == 11
    assert "a@b.org" in texts  # as the user left it
    assert "Done, number 0." not in texts
    assert [item["raw"] for item in left if item["reason"] == "dropped"][1] == "Done, number 0."


def test_an_invalid_edit_is_refused() -> None:
    with pytest.raises(DataError, match="no assistant"):
        chat_review.checked_edit([{"role": "user", "content": "Q"}])
    with pytest.raises(DataError, match="empty"):
        chat_review.checked_edit([{"role": "user", "content": " "}, {"role": "assistant", "content": "x"}])


def test_the_maximum_number_and_a_filter_that_leaves_nothing() -> None:
    draft = begun(chats(), recipe={"max_examples": 10})
    plan = chat_import.plan(chat_import.choices(draft.state))
    assert (plan.examples, plan.left["over_maximum"]) == (10, 4)
    draft = drafts.update(draft.id, None, {"recipe": {**draft.state["recipe"], "min_exchanges": 9}})
    with pytest.raises(DataError, match="No examples are left"):
        chat_import.start(draft.id)
    with pytest.raises(DataError, match="Minimum exchanges"):
        chat_import.choices({"recipe": {"min_exchanges": 0}})


def test_a_draft_starts_once_and_a_killed_import_makes_one_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = begun(chats())
    task = chat_import.start(draft.id)
    assert chat_import.start(draft.id).id == task.id

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(chat_import_handler.Import, "findings", killed)
        with pytest.raises(KeyboardInterrupt):
            execute(task.id, "one")
    with UnitOfWork() as uow:
        uow.session.connection().exec_driver_sql(
            "UPDATE background_tasks SET lease_owner = NULL, lease_expires_at = NULL"
        )
        uow.commit()
    ended = execute(task.id, "two")
    assert ended is not None
    assert ended.state == "succeeded"
    assert [item.name for item in datasets.list_datasets()] == ["Chats"]


def test_a_cancelled_import_can_be_started_again_with_other_choices() -> None:
    draft = begun(chats())
    task = chat_import.start(draft.id)
    tasks.request(task.id, "cancel")
    drafts.update(draft.id, None, {"name": "Other"})
    again = chat_import.start(draft.id)
    assert again.id != task.id
    assert execute(again.id, "test").state == "succeeded"  # type: ignore[union-attr]
    assert datasets.get_dataset("Other").version.examples == 12


def test_a_taken_name_is_refused() -> None:
    imported(begun(chats()))
    with pytest.raises(Conflict, match="already exists"):
        chat_import.start(begun(chats()).id)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"just text", "not a chat export"),
        (b"\x89PNG\r\n\x1a\n", "not a chat export"),
        (b"PK\x03\x04 no archive", "not a chat export"),
        (b"[]", "not a chat export"),
    ],
)
def test_a_file_that_is_not_a_chat_log_is_refused_and_not_stored(
    studio_env: Path, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        chat_import.ingest(io.BytesIO(content), "file.json")
    assert list((studio_env / "files").rglob("upload")) == []


def test_too_large_is_refused() -> None:
    with pytest.raises(DataError, match="limit is 100 bytes"):
        chat_import.ingest(io.BytesIO(chats()), "chats.json", size_limit=100)
    with pytest.raises(DataError, match="limit is 100 bytes"):
        chat_import.ingest_folder([("a/x.json", io.BytesIO(chats()))], size_limit=100)


def test_a_log_without_messages_is_refused() -> None:
    draft = chat_import.begin(chat_import.ingest(io.BytesIO(b'[{"mapping": {"a": {}}}]'), "conversations.json"))
    chosen = chat_import.choices(draft.state)
    with pytest.raises(DataError, match="has no messages"):
        chat_reading.summary(chosen.source_id, chosen.options)


def test_a_folder_of_slack_files_becomes_one_log() -> None:
    def day(text: str, ts: float) -> io.BytesIO:
        return io.BytesIO(json.dumps([{"type": "message", "user": "U1", "text": text, "ts": str(ts)}]).encode())

    files = [
        ("export/users.json", io.BytesIO(b'[{"id": "U1", "profile": {"real_name": "Ann Lee"}}]')),
        ("export/help/2023-11-14.json", day("Hi, I am Ann Lee", 1.7e9)),
        ("../..\\evil/2023-11-15.json", day("Bye", 1.7e9)),
    ]
    source = chat_import.ingest_folder(files)
    assert source.format == "slack"
    found = chat_reading.summary(source.id, chat_reading.options_of({}))
    assert (found.messages, [speaker.name for speaker in found.speakers]) == (2, ["Ann Lee"])
    with zipfile.ZipFile(io.BytesIO(sources.local_path(source.id).read_bytes())) as archive:
        assert all(".." not in name for name in archive.namelist())


def test_who_is_who_is_suggested() -> None:
    def suggest(content: bytes, name: str) -> dict[str, Any]:
        draft = chat_import.begin(chat_import.ingest(io.BytesIO(content), name))
        chosen = chat_import.choices(draft.state)
        return chat_review.suggested(chosen.source_id, chat_reading.summary(chosen.source_id, chosen.options))

    assert suggest(chats(), "a.json")["by_order"] is False
    named = suggest(b"chat,author,text\n1,Ann,Hi\n1,agent,Hello\n2,Bob,Hi\n2,agent,Yes\n", "b.csv")
    assert (named["by_order"], named["others"], named["roles"]) == (False, "user", {"agent": "assistant"})
    nobody = suggest(b"chat,author,text\n1,Ann,Hi\n1,Bob,Hello\n1,system,opened\n", "c.csv")
    assert (nobody["by_order"], nobody["roles"]) == (True, {"system": "leave"})


def test_reading_another_way_is_another_reading() -> None:
    draft = chat_import.begin(chat_import.sample_source())
    chosen = chat_import.choices(draft.state)
    found = chat_reading.summary(chosen.source_id, chosen.options)
    assert (found.format, found.conversations, found.messages) == ("table", 16, 54)
    other = chat_reading.summary(
        chosen.source_id, chosen.options.model_copy(update={"conversation": "", "gap_minutes": 0})
    )
    assert other.conversations == 1
    with pytest.raises(NotFound, match="chat export"):
        chat_import.set_format(chosen.source_id, "telegraph")
    with pytest.raises(DataError, match="gap_minutes"):
        chat_reading.options_of({"gap_minutes": -1})


def test_the_manifest_contains_no_speaker() -> None:
    content = b"chat,author,text\n" + b"".join(
        b"%d,Mira Holt,Hi %d\n%d,agent,Hello %d\n" % (n, n, n, n) for n in range(12)
    )
    dataset, _, _ = imported(begun(content, "chats.csv"))
    assert "Mira" not in json.dumps(dataset.version.manifest.to_dict())


def test_the_direction_of_a_table_is_in_its_summary_and_can_be_chosen() -> None:
    rows = [f"T{n},agent,2025-01-07,It is {n}.\nT{n},customer,2025-01-07,Where is {n}?" for n in range(12)]
    table = ("ticket,author,sent,message\n" + "\n".join(rows)).encode()
    draft = begun(table, "log.csv")
    chosen = chat_import.choices(draft.state)
    direction = chat_import.summary(chosen.source_id, chosen.options).direction
    assert direction is not None
    assert direction.text.startswith("Newest first: ")
    assert "the customer writes first in 12 of 12 conversations" in direction.text
    assert chat_import.plan(chosen).examples == 12
    oldest = chat_import.choices({**draft.state, "reading": {**draft.state["reading"], "direction": "oldest"}})
    again = chat_import.summary(oldest.source_id, oldest.options).direction
    assert again is not None
    assert (again.text, chat_import.plan(oldest).examples) == ("Oldest first, as you chose.", 0)
    dataset, _, _ = imported(draft)
    assert "chat_order_unclear" not in datasets.finding_counts(dataset.version.id)


def test_a_log_without_any_sign_of_its_direction_has_a_warning() -> None:
    rows = [f"T{n},Ann {n},Hello {n}\nT{n},Bob {n},Hello you {n}" for n in range(12)]
    draft = begun(("ticket,author,message\n" + "\n".join(rows)).encode(), "log.csv")
    dataset, _, _ = imported(draft)
    assert datasets.finding_counts(dataset.version.id)["chat_order_unclear"] == 1


def test_customers_beyond_the_list_of_speakers_are_users() -> None:
    tickets = [
        {
            "id": n,
            "requester": {"id": n, "name": f"Ann Lee{n}"},
            "comments": [
                {"author_id": n, "body": f"I am Ann Lee{n}, where is {n}?", "created_at": "2025-01-05T14:00:00Z"},
                {"author_id": -1, "body": f"Here is {n}.", "created_at": "2025-01-05T14:05:00Z"},
            ],
        }
        for n in range(chat_reading.PEOPLE_SHOWN + 50)
    ]
    draft = begun(json.dumps(tickets).encode(), "tickets.json")
    chosen = chat_import.choices(draft.state)
    assert chosen.recipe.others == "user"
    assert chat_import.plan(chosen).examples == len(tickets)
    assert chat_import.review(chosen, 3, 1).items[0].messages[0].content == "I am [NAME], where is 3?"
