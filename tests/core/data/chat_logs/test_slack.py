"""Slack's export: threads, pauses, joins, bots, deleted users, markup; folder, zip or one file."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.data.chat_logs import Bundle, Conversation, Left, Person, ReadOptions, recognize
from core.data.chat_logs.parsing.slack_text import of_blocks, plain

DAY = 1_700_000_000
USERS = [
    {"id": "U1", "name": "ann", "profile": {"display_name": "Ann", "real_name": "Ann Lee"}},
    {"id": "U2", "name": "bob", "deleted": True, "profile": {"display_name": "", "real_name": "Bob"}},
    {"id": "U3", "name": "helper", "is_bot": True, "profile": {}},
]


def said(user: str, text: str, after: float, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": f"{DAY + after:.6f}", **more}


def export(folder: Path, days: dict[str, Any], users: Any = USERS) -> Bundle:
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        if users is not None:
            archive.writestr("users.json", json.dumps(users))
        archive.writestr("channels.json", "[]")
        for name, content in days.items():
            archive.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return Bundle(path, path.name)


def read(bundle: Bundle, **options: Any) -> tuple[list[Conversation], Counter[str], dict[str, Person]]:
    log = recognize(bundle)
    assert log.id == "slack"
    items = list(log.read(bundle, ReadOptions(**options)))
    left = Counter(item.reason for item in items if isinstance(item, Left))
    people = {item.id: item for item in items if isinstance(item, Person)}
    return [item for item in items if isinstance(item, Conversation)], left, people


def test_threads_are_conversations_and_pauses_split_the_rest(tmp_path: Path) -> None:
    root = f"{DAY + 10:.6f}"
    days = {
        "help/2023-11-14.json": [
            said("U1", "How do I reset it?", 10, thread_ts=root, reply_count=1),
            said("U1", "Morning all", 20),
            said("U2", "Morning", 30),
            said("U2", "Hold the button", 9_000, thread_ts=root),
            said("U1", "Anybody there?", 20_000),
        ],
        "help/2023-11-15.json": [],
        "help/2023-11-16.json": "",
    }
    found, left, people = read(export(tmp_path, days))
    assert [[turn.text for turn in item.turns] for item in found] == [
        ["Morning all", "Morning"],
        ["Anybody there?"],
        ["How do I reset it?", "Hold the button"],
    ]
    assert not left
    assert people["U2"].name == "Bob (deleted)"
    assert people["U2"].gone
    assert len(read(export(tmp_path, days), gap_minutes=0)[0]) == 2


def test_events_are_counted_by_their_reason(tmp_path: Path) -> None:
    messages = [
        said("U1", "<@U1> has joined the channel", 1, subtype="channel_join"),
        said("U1", "set the topic", 2, subtype="channel_topic"),
        {"type": "message", "subtype": "bot_message", "bot_id": "B1", "username": "Build", "text": "red", "ts": "1.0"},
        said("U3", "I am an app", 3, bot_id="B2"),
        said("USLACKBOT", "Reminder", 4),
        said("U1", "This message was deleted.", 5, subtype="tombstone"),
        said("U1", "", 6, files=[{"mimetype": "image/png", "name": "x.png"}]),
        said("U1", "", 7),
        {"type": "message", "text": "who?", "ts": f"{DAY}.1"},
        said("U1", "Twice", 8),
        said("U1", "Twice", 8),
        said("U9", "I left long ago", 9),
        said("U8", "See the file", 10, subtype="file_share", files=[{"mimetype": "text/plain"}],
             user_profile={"real_name": "Guest"}),
        {"random": 1},
    ]  # fmt: skip
    bundle = export(tmp_path, {"random/2023-11-14.json": messages})
    found, left, people = read(bundle)
    assert [turn.text for turn in found[0].turns] == ["Twice", "I left long ago", "See the file"]
    assert found[0].turns[2].notes == ("file",)
    assert left == {"event": 2, "bot": 3, "deleted": 1, "not_text": 1, "empty": 1, "no_speaker": 1, "repeated": 1,
                    "not_a_message": 1}  # fmt: skip
    assert people["U9"].name == "U9 (unknown)"
    assert people["U8"].name == "Guest"
    kept, left, people = read(bundle, bots=True)
    assert "bot" not in left
    assert {turn.speaker for turn in kept[0].turns} | {t.speaker for c in kept for t in c.turns} >= {
        "bot:Build",
        "bot:B2",
    }
    assert people["bot:Build"].bot


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<@U1> &lt;b&gt; &amp;amp;", "@Ann <b> &amp;"),
        ("see <https://x.org/a?b=1&amp;c|the page> or <https://y.org>", "see the page (https://x.org/a?b=1&c) or https://y.org"),
        ("<!here> <!subteam^S1|@ops> <#C1|general> <@U7|old name> <@U8>", "@here @ops #general @old name @U8"),
        ("<mailto:a@b.de|a@b.de> 2 < 3 <not a mark>", "a@b.de 2 < 3 <not a mark>"),
        ("<" * 5_000, "<" * 5_000),
    ],
)  # fmt: skip
def test_slack_markup_becomes_the_text_as_displayed(written: str, shown: str) -> None:
    assert plain(written, {"U1": "Ann"}) == shown


def test_text_that_is_only_in_blocks() -> None:
    section = {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": "Hi "}, {"type": "user", "user_id": "U1"}],
    }
    message = {
        "blocks": [{"type": "rich_text", "elements": [section]}, {"type": "section", "text": {"text": "Bye"}}, 7]
    }
    assert of_blocks(message, {"U1": "Ann"}) == "Hi @Ann\nBye"
    assert of_blocks({"attachments": [{"title": "T", "text": "x"}, {"fallback": "f"}, None]}, {}) == "T\nx\nf"
    nested: dict[str, Any] = {"elements": []}
    for _ in range(500):
        nested = {"elements": [nested]}
    assert of_blocks({"blocks": [nested]}, {}) == ""


def test_one_channels_file_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "support.json"
    path.write_text(json.dumps({"ok": True, "messages": [said("U2", "B", 20), said("U1", "A", 10)]}))
    found, _, people = read(Bundle(path, path.name))
    assert [turn.text for turn in found[0].turns] == ["A", "B"]
    assert people["U1"].name == "U1 (unknown)"


def test_a_broken_day_costs_only_itself(tmp_path: Path) -> None:
    days = {
        "a/2023-11-14.json": [said("U1", "Fine", 1)],
        "a/2023-11-15.json": "[{broken",
        "a/2023-11-16.json": [said("U1", "Fine too", 90_000)],
        "../../evil/2023-11-14.json": [said("U1", "From elsewhere", 3)],
    }
    found, left, _ = read(export(tmp_path, days, users={"not": "a list"}))
    assert sorted(turn.text for item in found for turn in item.turns) == ["Fine", "Fine too", "From elsewhere"]
    assert left["unreadable"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.zip"]
