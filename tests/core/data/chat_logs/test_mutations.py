"""Exports changed at random, in values or bytes: no traceback, no hang, no message lost."""

from __future__ import annotations

import copy
import json
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from core.data.chat_logs import LOG_FORMATS, REASONS, Bundle, Conversation, Left, Person, recognize
from core.data.chat_logs.shaping import ChatRecipe, redact, shape
from core.errors import DataError
from tests.support.series import series

SLOW = settings(max_examples=series(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _said(role: str, text: str) -> dict[str, Any]:
    return {"author": {"role": role}, "create_time": 1.7e9, "content": {"content_type": "text", "parts": [text]}}


SEEDS: dict[str, Any] = {
    "chatgpt": [
        {
            "id": "c",
            "title": "t",
            "current_node": "b",
            "mapping": {
                "r": {"id": "r", "parent": None, "message": None},
                "a": {"id": "a", "parent": "r", "message": _said("user", "Hi")},
                "b": {"id": "b", "parent": "a", "message": _said("assistant", "Hello")},
                "x": {"id": "x", "parent": "a", "message": _said("assistant", "Other")},
            },
        }
    ],
    "claude": [
        {
            "uuid": "u",
            "name": "n",
            "chat_messages": [
                {
                    "sender": "human",
                    "text": "Hi",
                    "content": [{"type": "text", "text": "Hi"}],
                    "created_at": "2025-01-01T00:00:00Z",
                    "attachments": [],
                    "files": [],
                },
                {"sender": "assistant", "text": "Yo"},
            ],
        }
    ],
    "slack": [
        {
            "type": "message",
            "user": "U1",
            "text": "<@U1> hi",
            "ts": "1700000000.1",
            "thread_ts": "1700000000.1",
            "files": [{}],
            "blocks": [
                {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text"}]}]}
            ],
        },
        {
            "type": "message",
            "bot_id": "B",
            "subtype": "bot_message",
            "username": "bot",
            "text": "x",
            "ts": "1700000001.1",
        },
    ],
    "sharegpt": [
        {"id": 1, "conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "P"}]},
                {"role": "assistant", "content": "R"},
            ]
        },
    ],
    "table": [
        {"chat": "1", "author": "Ann", "time": "2025-01-01", "text": "Hi"},
        {"chat": "1", "author": "agent", "time": 5, "text": "Yo"},
    ],
}

_AT = "2025-01-05T14:00:00Z"
SEEDS |= {
    "whatsapp": [
        "[31.12.24, 23:58:01] Ann: Hi",
        "there",
        "[31.12.24, 23:59:01] Bob: Yo",
        "\u200e[01.01.25, 00:00:01] x",
    ],
    "telegram": {
        "name": "Ann",
        "id": 7,
        "messages": [
            {"id": 1, "type": "message", "date": _AT, "from": "A", "from_id": "user1", "text": ["x", {"text": "y"}]},
            {"id": 2, "type": "message", "date_unixtime": "1736085660", "date": _AT, "from_id": "user2", "text": "z"},
        ],
    },
    "discord": {
        "channel": {"name": "help"},
        "messages": [
            {"type": "Default", "timestamp": _AT, "content": "Hi", "author": {"id": "1", "name": "a"}, "embeds": [{}]},
            {"type": "Reply", "timestamp": _AT, "content": "Yo", "author": {"id": "2"}, "attachments": [{}]},
        ],
    },
    "open_webui": [
        {
            "id": "x",
            "chat": {
                "title": "t",
                "history": {
                    "messages": {
                        "a": {"parentId": None, "role": "user", "content": "Hi", "timestamp": 1736085660},
                        "b": {"parentId": "a", "role": "assistant", "content": "Yo", "files": [{}]},
                    },
                    "currentId": "b",
                },
            },
        }
    ],
    "zendesk": [
        {
            "id": 1,
            "requester": {"id": 1, "name": "Ann"},
            "comments": [
                {"author_id": 1, "body": "Hi", "public": True, "created_at": _AT},
                {"author_id": 2, "html_body": "<p>Yo</p>", "created_at": _AT},
            ],
        }
    ],
    "freshdesk": [
        {
            "id": 1,
            "requester_id": 1,
            "description": "Hi",
            "conversations": [{"user_id": 2, "body": "Yo", "incoming": False, "private": False, "created_at": _AT}],
        }
    ],
    "studio": [
        {
            "studio_conversation": "conv_1",
            "title": "Refunds",
            "turns": [
                {"role": "system", "text": "Be kind.", "at": 1_700_000_000.0},
                {"role": "user", "text": "Hi", "at": 1_700_000_000.5},
                {"role": "assistant", "text": "Yo", "at": 1_700_000_001, "rating": 0.5, "notes": ["corrected"]},
            ],
        }
    ],
    "intercom": [
        {
            "id": "1",
            "source": {"body": "Hi", "author": {"type": "lead", "id": "1"}},
            "conversation_parts": {
                "conversation_parts": [{"part_type": "comment", "body": "Yo", "author": {"type": "admin", "id": "2"}}]
            },
        }
    ],
    "front": [
        {
            "id": "1",
            "messages": [
                {"is_inbound": True, "text": "Hi", "recipients": [{"role": "from", "handle": "a@b.org"}]},
                {"is_inbound": False, "body": "Yo", "author": {"id": "2", "first_name": "E"}},
            ],
            "comments": [{"body": "Hm"}],
        }
    ],
}


def dumped(name: str, value: Any, indent: int | None = None) -> str:
    """The seed as its export writes it."""
    return "\n".join(map(str, value)) if name == "whatsapp" else json.dumps(value, indent=indent)


INSIDE = {"slack": "help/2025-01-01.json", "whatsapp": "_chat.txt"}  # how its file in an archive is named

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=4), st.none() | st.text(max_size=3), max_size=3),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a value."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        found += places(item, (*path, key))
    return found


@st.composite
def changed(draw: st.DrawFn, seed: Any) -> Any:
    value = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 4))):
        found = places(value)
        if not found:
            break
        *way, last = draw(st.sampled_from(found))
        inside = value
        for step in way:
            inside = inside[step]
        if draw(st.booleans()):
            inside[last] = draw(JUNK)
        elif isinstance(inside, dict):
            del inside[last]
        else:
            inside.append(copy.deepcopy(inside[last]))
    return value


def read_all(path: Path) -> None:
    """Read and shape any file; fails for anything but a result or a DataError."""
    try:
        bundle = Bundle(path, path.name)
        log = recognize(bundle)
        items = list(log.read(bundle, log.hints(bundle).options.model_copy(update={"bots": True})))
    except DataError:
        return
    people = [item for item in items if isinstance(item, Person)]
    assert {item.reason for item in items if isinstance(item, Left)} <= set(REASONS)
    for item in items:
        if not isinstance(item, Conversation):
            continue
        assert all(turn.speaker and turn.text.strip() for turn in item.turns)
        for recipe in (ChatRecipe(by_order=True), ChatRecipe(others="user", layout="exchanges")):
            shaped = shape(item, recipe)
            used = Counter(index for made in shaped.made for index in made.turns)
            used.update(index for indexes in shaped.left.values() for index in indexes)
            assert used == Counter(range(len(item.turns)))
            for made in shaped.made:
                redact(made.messages, [person.name for person in people])


@pytest.mark.parametrize("name", SEEDS)
def test_each_seed_is_recognized_as_its_format(name: str, tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(dumped(name, SEEDS[name]))
    assert recognize(Bundle(path, path.name)).id == name
    assert set(SEEDS) == set(LOG_FORMATS.ids())


@pytest.mark.parametrize("name", SEEDS)
@SLOW
@given(data=st.data())
def test_changed_values(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.json"
        path.write_text(dumped(name, data.draw(changed(SEEDS[name]))), errors="surrogatepass")
        read_all(path)


@pytest.mark.parametrize("name", SEEDS)
@SLOW
@given(data=st.data())
def test_changed_bytes(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.zip"
        inside = INSIDE.get(name, "conversations.json")
        if data.draw(st.booleans()):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(inside, dumped(name, SEEDS[name]))
        else:
            path.write_text(dumped(name, SEEDS[name], data.draw(st.sampled_from([None, 1]))))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(0, len(content) - 1))
            kind = data.draw(st.integers(0, 2))
            if kind == 0:
                content[at] = data.draw(st.integers(0, 255))
            elif kind == 1 and len(content) > 1:
                del content[at : at + data.draw(st.integers(1, 20))]
                content = content or bytearray(b" ")
            else:
                content[at:at] = data.draw(st.binary(max_size=6))
        path.write_bytes(content)
        read_all(path)
