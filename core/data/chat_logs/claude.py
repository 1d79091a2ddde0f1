"""Claude's data export: `conversations.json`, each conversation with its `chat_messages` in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from core.data.chat_logs.base import AppExport, Conversation, Left, Turn
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing, word
from core.data.chat_logs.parsing.times import parse


class ClaudeLog(AppExport):
    """A Claude export: the archive, or only its conversations.json."""

    id = "claude"
    title = "Claude export"
    text = "In Claude: Settings → Privacy → Export data. Use the zip from the email, or conversations.json."

    file = re.compile(r"(?:.*/)?conversations\.json")
    people = MappingProxyType({"human": ("You", "user"), "assistant": ("Claude", "assistant")})
    rows_are = ("chat_messages", list)

    def conversation(self, fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
        return _conversation(fields, place, line)


def _conversation(fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
    key = word(fields.get("uuid")) or f"line-{line}"
    turns = []
    for message in fields["chat_messages"]:
        made = _turn(message, line)
        if isinstance(made, Turn):
            turns.append(made)
        else:
            yield Left(made, raw(message), place, line, key)
    yield Conversation(key, text(fields.get("name"))[:200], tuple(turns), place)


def _turn(message: Any, line: int) -> Turn | str:
    if not isinstance(message, dict):
        return "not_a_message"
    speaker = text(message.get("sender"))
    if not speaker:
        return "no_speaker"
    notes = ["file" for _ in (*items(message.get("attachments")), *items(message.get("files")))]
    parts, steps = [], False
    for part in items(message.get("content")):
        kind = text(thing(part).get("type"))
        if kind == "text":
            parts.append(text(thing(part).get("text")))
        steps = steps or kind in ("tool_use", "tool_result", "thinking")
        notes += ["other_part"] if kind in ("tool_use", "tool_result", "thinking") else []
    written = "\n\n".join(part for part in parts if part.strip()) or text(message.get("text"))
    if not written.strip():
        return "tool" if steps else "not_text" if notes else "empty"
    return Turn(speaker, written, parse(message.get("created_at")), line, tuple(notes))
