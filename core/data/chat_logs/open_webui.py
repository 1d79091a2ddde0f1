"""Open WebUI's export of chats: each a tree of messages with one path that was shown last."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from core.data.chat_logs.base import AppExport, Conversation, Left, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing, word
from core.data.chat_logs.parsing.times import parse

# What the app puts before an answer: the model's thinking, its tool calls, the code it ran.
_STEP_END = re.compile(r"</(details|think|thinking|reasoning)>", re.IGNORECASE)
_STEP = re.compile(r"<(details)\s+type=[^<>]*>|<(think|thinking|reasoning)>", re.IGNORECASE)
_TOOLS = frozenset({"tool", "function"})


class OpenWebUiLog(AppExport):
    """One chat or all chats of a user or a server, as JSON."""

    id = "open_webui"
    title = "Open WebUI export"
    text = (
        "In Open WebUI: Settings → Data Controls → Export Chats, or a chat's ⋯ → Download → Export chat (.json). "
        "For each chat, the path that was shown last is used."
    )

    file = re.compile(r".*\.json", re.IGNORECASE)
    people = MappingProxyType(
        {"user": ("You", "user"), "assistant": ("Open WebUI", "assistant"), "system": ("System", "system")}
    )
    rows_are = ("chat", dict)

    def is_single(self, bundle: Bundle, name: str) -> bool:
        return bundle.head(name, 256).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"

    def conversation(self, fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
        return _conversation(fields, place, line)

    def _fits(self, fields: Object) -> bool:
        chat = _chat(fields)
        return isinstance(thing(chat.get("history")).get("messages"), dict) or (
            "chat" in fields and any("role" in thing(item) for item in items(chat.get("messages"))[:3])
        )


def _chat(fields: Object) -> Object:
    """The chat of a row; the export of one chat may be the chat itself."""
    return thing(fields.get("chat")) if isinstance(fields.get("chat"), dict) else fields


def _conversation(fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
    chat = _chat(fields)
    key = word(fields.get("id")) or word(chat.get("id")) or f"line-{line}"
    title = text(fields.get("title")) or text(chat.get("title"))
    nodes = thing(thing(chat.get("history")).get("messages"))
    path = _path(nodes, word(thing(chat.get("history")).get("currentId"))) if nodes else []
    turns: list[Turn] = []
    for message in [nodes[node_id] for node_id in path] if nodes else items(chat.get("messages")):
        made = _turn(message, line)
        if isinstance(made, Turn):
            turns.append(made)
        else:
            yield Left(made, raw(message), place, line, key)
    shown = set(path)
    for message in (message for node_id, message in nodes.items() if node_id not in shown):
        made = _turn(message, line)
        yield Left("other_branch" if isinstance(made, Turn) else made, raw(message), place, line, key)
    instructions = text(thing(chat.get("params")).get("system")) or text(chat.get("system"))
    if instructions.strip() and turns and turns[0].speaker != "system":
        turns.insert(0, Turn("system", instructions, None, line))
    yield Conversation(key, title[:200], tuple(turns), place)


def _path(nodes: Object, current: str) -> list[str]:
    """The messages from the first to the one shown last; without that one, to the last one that nothing follows."""
    if current not in nodes:
        parents = {word(thing(node).get("parentId")) for node in nodes.values()}
        leaves = [key for key in nodes if key not in parents] or list(nodes)
        current = max(leaves, key=lambda key: parse(thing(nodes[key]).get("timestamp")) or 0.0)
    path: dict[str, None] = {}
    while current in nodes and current not in path:
        path[current] = None
        current = word(thing(nodes[current]).get("parentId"))
    return list(path)[::-1]


def _turn(message: Any, line: int) -> Turn | str:
    if not isinstance(message, dict):
        return "not_a_message"
    role = text(message.get("role"))
    if not role:
        return "no_speaker"
    if role in _TOOLS:
        return "tool"
    written, notes = _text(message.get("content"))
    notes += ["picture" if thing(item).get("type") == "image" else "file" for item in items(message.get("files"))]
    shown = _without_steps(written)
    if shown != written:
        notes.append("steps")
    if not shown.strip():
        return "reasoning" if written.strip() else "not_text" if notes else "empty"
    return Turn(role, shown.strip(), parse(message.get("timestamp")), line, tuple(notes))


def _without_steps(written: str) -> str:
    """The text without each step and what is in it; one that is never closed stays."""
    parts: list[str] = []
    closed: dict[str, list[int]] = {}  # where a step of each name ends, so that nothing is searched twice
    for end in _STEP_END.finditer(written):
        closed.setdefault(end[1].lower(), []).append(end.end())
    at = 0
    for step in _STEP.finditer(written):
        ends = closed.get((step[1] or step[2]).lower(), [])
        place = bisect_right(ends, step.end())
        if step.start() < at or place == len(ends):
            continue
        parts.append(written[at : step.start()])
        at = ends[place]
    return "".join([*parts, written[at:]])


def _text(content: object) -> tuple[str, list[str]]:
    """The text of a message, and notes on its other parts."""
    if isinstance(content, str):
        return content, []
    parts = [thing(part) for part in items(content)]
    texts = [text(part.get("text")) for part in parts]
    notes = [
        "picture" if "image" in text(part.get("type")) else "other_part" for part in parts if not text(part.get("text"))
    ]
    return "\n".join(filter(None, texts)), notes
