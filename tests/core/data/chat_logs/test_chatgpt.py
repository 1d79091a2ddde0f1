"""ChatGPT's export: the path shown last is used, everything else is counted with its reason, for any tree."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from core.data.chat_logs import Bundle, Conversation, Left, Person, ReadOptions, recognize


def node(
    key: str, parent: str | None, role: str | None, content: Any = "", at: float | None = None, **more: Any
) -> dict[str, Any]:
    parts = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    message = {"id": key, "author": {"role": role}, "create_time": at, "content": parts, **more} if role else None
    return {"id": key, "parent": parent, "children": [], "message": message}


def read(folder: Path, conversations: Any) -> tuple[list[Conversation], Counter[str]]:
    path = folder / "conversations.json"
    path.write_text(json.dumps(conversations), encoding="utf-8")
    bundle = Bundle(path, path.name)
    log = recognize(bundle)
    assert log.id == "chatgpt"
    items = list(log.read(bundle, ReadOptions()))
    assert any(isinstance(item, Person) for item in items)
    left: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Left):
            left[item.reason] += item.messages
    return [item for item in items if isinstance(item, Conversation)], left


def talk(*nodes: dict[str, Any], current: str | None = None, key: str = "c1") -> dict[str, Any]:
    return {"title": "A talk", "id": key, "mapping": {item["id"]: item for item in nodes}, "current_node": current}


def texts(conversation: Conversation) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in conversation.turns]


def test_the_path_seen_last_is_taken_and_other_versions_are_counted(tmp_path: Path) -> None:
    tree = talk(
        node("root", None, None),
        node("u", "root", "user", "Hi", 1.7e9),
        node("a1", "u", "assistant", "First try"),
        node("a2", "u", "assistant", "Second try", 1.7e9 + 5),
        node("u2", "a1", "user", "On the other path"),
        current="a2",
    )
    (found,), left = read(tmp_path, [tree])
    assert texts(found) == [("user", "Hi"), ("assistant", "Second try")]
    assert found.turns[0].at == 1.7e9
    assert left == {"other_branch": 2}


def test_circles_and_lost_parents_end(tmp_path: Path) -> None:
    circle = talk(
        node("a", "b", "user", "Round"), node("b", "a", "assistant", "and round"), node("x", "gone", "user", "Lost"),
        current="b",
    )  # fmt: skip
    own = talk(node("s", "s", "user", "My own parent"), current="s", key="c2")
    (one, two), left = read(tmp_path, [circle, own])
    assert texts(one) == [("user", "Round"), ("assistant", "and round")]
    assert texts(two) == [("user", "My own parent")]
    assert left == {"other_branch": 1}


def test_without_a_current_message_the_newest_end_is_taken(tmp_path: Path) -> None:
    nodes = (
        node("r", None, None),
        node("u", "r", "user", "Hi", 10.0),
        node("old", "u", "assistant", "Old", 20.0),
        node("new", "u", "assistant", "New", 30.0),
    )
    for current in (None, "nowhere"):
        (found,), _ = read(tmp_path, [talk(*nodes, current=current)])
        assert texts(found)[-1] == ("assistant", "New")


def test_everything_that_is_not_text_of_a_user_is_left_out_with_its_reason(tmp_path: Path) -> None:
    picture = {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "What is this?"]}
    chain = [
        node("hidden", None, "system", "secret", metadata={"is_visually_hidden_from_conversation": True}),
        node("own", "hidden", "user", {"content_type": "user_editable_context", "user_profile": "I am"}),
        node("pic", "own", "user", picture),
        node("only", "pic", "user", {"content_type": "multimodal_text", "parts": [{"content_type": "image_x"}]}),
        node("think", "only", "assistant", {"content_type": "thoughts", "thoughts": []}),
        node("call", "think", "assistant", {"content_type": "code", "text": "search()"}, recipient="browser"),
        node("result", "call", "tool", "found it"),
        node("code", "result", "assistant", {"content_type": "code", "language": "python", "text": "print(1)"}),
        node("answer", "code", "assistant", "A cat \ue200cite\ue202turn0\ue201and a dog【1†source】."),
        node("nobody", "answer", "user", "?"),
        node("blank", "nobody", "user", "   "),
        node("list", "blank", "user", {"content_type": "text", "parts": [None, 3, {"x": 1}]}),
    ]
    chain[9]["message"]["author"] = {}
    (found,), left = read(tmp_path, [talk(*chain, current="list")])
    assert texts(found) == [
        ("user", "What is this?"),
        ("assistant", "```python\nprint(1)\n```"),
        ("assistant", "A cat and a dog."),
    ]
    assert found.turns[0].notes == ("picture",)
    assert found.turns[2].notes == ("citation",)
    assert left == {"hidden": 2, "not_text": 2, "reasoning": 1, "tool": 2, "no_speaker": 1, "empty": 1}


def test_values_of_the_wrong_kind_cost_only_themselves(tmp_path: Path) -> None:
    good = talk(node("u", None, "user", "Hi"), node("a", "u", "assistant", "Hello"), current="a", key="good")
    odd = {
        "mapping": {
            "x": None,
            "y": "text",
            "z": {"message": "text", "parent": 5},
            "w": {"message": {"author": "me", "content": []}},
            "v": {
                "message": {"author": {"role": "user"}, "content": {"parts": "no list", "text": "ok"}},
                "parent": ["a"],
            },
        },
        "current_node": {"a": 1},
        "title": 7,
        "id": None,
    }
    found, left = read(tmp_path, [good, odd, {"mapping": []}, {"title": "no tree"}])
    assert [item.id for item in found] == ["good", "line-1"]
    assert left["not_a_message"] == 4
    assert left["no_speaker"] == 1
    assert texts(found[1]) == [("user", "ok")] or left["other_branch"] == 1


def test_a_very_deep_and_wide_tree_is_read(tmp_path: Path) -> None:
    count = 5_000
    nodes = [node("n0", None, "user", "0")]
    nodes += [node(f"n{i}", f"n{i - 1}", "user" if i % 2 == 0 else "assistant", str(i)) for i in range(1, count)]
    nodes += [node(f"b{i}", "n0", "assistant", "other") for i in range(1_000)]
    (found,), left = read(tmp_path, [talk(*nodes, current=f"n{count - 1}")])
    assert len(found.turns) == count
    assert left == {"other_branch": 1_000}


def test_one_conversation_alone_and_broken_records(tmp_path: Path) -> None:
    one = talk(node("u", None, "user", "Hi"), node("a", "u", "assistant", "Hello"), current="a")
    (found,), _ = read(tmp_path, one)
    assert len(found.turns) == 2
    path = tmp_path / "broken.json"
    path.write_text(json.dumps([one])[:-1] + ', {"mapping": {"a": NaN}}, {"mapping": {"u": {', encoding="utf-8")
    bundle = Bundle(path, path.name)
    items = list(recognize(bundle).read(bundle, ReadOptions()))
    assert sum(isinstance(item, Conversation) for item in items) == 1
    assert [item.reason for item in items if isinstance(item, Left)] == ["unreadable", "unreadable"]
