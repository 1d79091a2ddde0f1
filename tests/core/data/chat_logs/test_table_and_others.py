"""Tables of messages, chat lists, Claude's export: columns, times, speakers; and the contract of every log format."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.data.chat_logs import (
    LOG_FORMATS,
    REASONS,
    Bundle,
    Conversation,
    Left,
    Person,
    ReadOptions,
    recognize,
)
from core.data.chat_logs.parsing.times import day_comes_first, parse
from core.data.chat_logs.table import TableLog
from core.errors import DataError

MESSAGES = """ticket,sent_at,author,message
T1,2026-03-02 09:05,Ann,Where is it?
T2,2026-03-02 09:06,Bob,"Line one
line two"
T1,2026-03-02 09:04,Ann,Hello
T1,2026-03-02 09:07,agent,On its way
T2,,agent,Answer
,2026-03-02 09:00,Eve,Alone
T1,2026-03-02 09:08,,Nobody
T1,2026-03-02 09:09,Ann,
T3,1,Ann,too,many,cells
"""


def read(folder: Path, name: str, content: str | bytes, **options: Any) -> tuple[list[Conversation], Counter[str]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    bundle = Bundle(path, name)
    log = recognize(bundle)
    chosen = log.hints(bundle).options.model_copy(update=options)
    items = list(log.read(bundle, chosen))
    left = Counter(item.reason for item in items if isinstance(item, Left))
    return [item for item in items if isinstance(item, Conversation)], left


def test_rows_are_joined_into_conversations(tmp_path: Path) -> None:
    found, left = read(tmp_path, "chats.csv", MESSAGES)
    by_id = {item.id: item for item in found}
    assert [turn.text for turn in by_id["T1"].turns] == ["Hello", "Where is it?", "On its way"]
    assert by_id["T1"].turns[0].notes == ("order",)
    assert [turn.text for turn in by_id["T2"].turns] == ["Line one\nline two", "Answer"]
    assert by_id["T2"].turns[1].notes == ("time",)
    assert [turn.text for turn in by_id["#1"].turns] == ["Alone"]
    assert by_id["T2"].turns[0].line == 3
    assert left == {"no_speaker": 1, "empty": 1, "unreadable": 1}


def test_the_columns_are_guessed_and_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("Wer,Was\nAnn,Hi\nagent,Hello\n")
    bundle = Bundle(path, path.name)
    log = recognize(bundle)
    assert log.hints(bundle).columns == ("Wer", "Was")
    with pytest.raises(DataError, match="Choose the column for the speaker"):
        list(log.read(bundle, log.hints(bundle).options))
    items = list(log.read(bundle, ReadOptions(speaker="Wer", text="Was")))
    assert [item.role for item in items if isinstance(item, Person)] == ["", "assistant"]


def test_without_a_conversation_column_pauses_split(tmp_path: Path) -> None:
    rows = "time,from,text\n1700000000,a,one\n1700000100,b,two\n1700090000,a,three\n"
    found, _ = read(tmp_path, "flat.csv", rows)
    assert [len(item.turns) for item in found] == [2, 1]
    found, _ = read(tmp_path, "flat.csv", rows, gap_minutes=0)
    assert [len(item.turns) for item in found] == [3]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1_700_000_000, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        ("1700000000.000100", 1_700_000_000.0001),
        (1_700_000_000_000, 1_700_000_000),
        ("1700000000000000", 1_700_000_000),
        (1_700_000_000_000_000_000, 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14 22:13:20 UTC", 1_700_000_000),
        ("2023-11-14T22:13:20.000Z", 1_700_000_000),
        ("14.11.2023 22:13:20", 1_700_000_000),
        ("14/11/2023, 22:13:20", 1_700_000_000),
        ("11/14/2023 10:13:20 PM", 1_700_000_000),
        ("2023/11/14 22:13:20", 1_700_000_000),
    ],
)
def test_times_of_every_writing(written: Any, seconds: float) -> None:
    assert parse(written) == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("written", [
    None, "", "soon", True, float("nan"), float("inf"), "1e400", -5, 10**30, "9" * 400, "99/99/2023", "2023-13-45",
    "31/02/2023", "13:00 PM", {"a": 1}, [1], "0001-01-01", "2023-11-14T25:00:00", "1/1/2023 13:00 PM",
])  # fmt: skip
def test_values_that_are_not_times_are_none(written: Any) -> None:
    assert parse(written) is None


def test_zones_and_the_order_of_day_and_month() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse("2023-11-14 23:13:20", naive=berlin) == 1_700_000_000
    assert parse("03/04/2025", day_first=True) == parse("2025-04-03")
    assert parse("03/04/2025") == parse("2025-03-04")
    assert day_comes_first(["03/04/2025", "31/01/2025"]) is True
    assert day_comes_first(["03/04/2025", "01/31/2025"]) is False
    assert day_comes_first(["03/04/2025", "2025-01-02", "x"]) is None


def test_an_unknown_zone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Nowhere/Land"):
        read(tmp_path, "chats.csv", MESSAGES, zone="Nowhere/Land")


def test_chat_lists_of_both_kinds(tmp_path: Path, real_data: Path) -> None:
    rows = [
        {"id": 1, "conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"},
                                    {"from": "", "value": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "P"}, {"type": "image_url"}]},
                      {"role": "assistant", "content": None, "tool_calls": [1]}, "odd",
                      {"role": "assistant", "content": 5}]},
        {"other": 1},
    ]  # fmt: skip
    found, left = read(tmp_path, "chats.jsonl", "\n".join(map(json.dumps, rows)))
    assert [[turn.text for turn in item.turns] for item in found] == [["Q", "A"], ["P"]]
    assert found[1].turns[0].notes == ("picture",)
    assert left == {"no_speaker": 1, "tool": 1, "not_a_message": 2, "not_text": 1}
    real = (real_data / "chat" / "sharegpt_dummy_conversation.json").read_bytes()
    found, left = read(tmp_path, "real.json", real)
    assert (len(found), left) == (500, Counter())


def test_claudes_export(tmp_path: Path) -> None:
    chat = {
        "uuid": "u1",
        "name": "Talk",
        "chat_messages": [
            {"sender": "human", "text": "Hi", "created_at": "2025-01-02T03:04:05Z", "attachments": [{}]},
            {
                "sender": "assistant",
                "text": "old",
                "content": [{"type": "thinking"}, {"type": "text", "text": "Hello"}],
            },
            {"sender": "assistant", "text": "", "content": [{"type": "tool_use"}]},
            {"text": "?"},
            None,
        ],
    }
    found, left = read(tmp_path, "conversations.json", json.dumps([chat, {"chat_messages": "no"}]))
    assert [turn.text for turn in found[0].turns] == ["Hi", "Hello"]
    assert found[0].turns[0].notes == ("file",)
    assert left == {"tool": 1, "no_speaker": 1, "not_a_message": 2}


@pytest.mark.parametrize("log", LOG_FORMATS, ids=lambda log: log.id)
def test_every_format_keeps_the_contract(log: Any, tmp_path: Path) -> None:
    """For any input: no other error than DataError, and only reasons with a text."""
    contents = [
        b"", b"{}", b"[]", b"[null, 1, [], {}]", b'{"mapping": {}}', b'[{"mapping": {"a": {"message": []}}}]',
        b"\x00\xff",
        b'[{"chat_messages": [1, {"sender": 5}]}]', b'[{"conversations": [{"from": null}, {"from": {}}]}]',
        b'[{"ts": [], "text": {}}, {"ts": "x", "user": 1, "blocks": 3}]',
        b"a,b\n1,2\n", b"PK\x03\x04broken", b"[" * 5_000,
    ]  # fmt: skip
    assert log.title
    assert log.text
    assert set(log.options) <= set(ReadOptions.model_fields)
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.json"
        path.write_bytes(content)
        bundle = Bundle(path, path.name)
        try:
            assert log.recognizes(bundle) in (True, False)
            items = list(log.read(bundle, log.hints(bundle).options))
        except DataError:
            continue
        assert all(item.reason in REASONS for item in items if isinstance(item, Left))
        json.dumps([item.to_dict() for item in items if isinstance(item, Left)])


def test_a_table_is_surely_a_log_only_where_speakers_take_turns(tmp_path: Path) -> None:
    header = "ticket_id,author,created_at,body\n"
    turns = [f"{n // 4},{['ann', 'desk'][n % 2]},2026-01-01 10:{n:02},message number {n}\n" for n in range(24)]
    alone = [f"{n},{['ann', 'bob', 'cem'][n % 3]},2026-01-01 10:{n:02},ticket number {n}\n" for n in range(24)]
    for lines, expected in ((turns, True), (alone, False), (turns[:4], False)):
        path = tmp_path / "messages.csv"
        path.write_text(header + "".join(lines), encoding="utf-8")
        assert TableLog().is_sure(Bundle(path, path.name)) is expected
