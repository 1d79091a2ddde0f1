"""The studio's own conversations: one JSON object per line, with what people think of each answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from core.data.chat_logs.base import NOTES, AppExport, Conversation, Left, Turn
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing


class StudioLog(AppExport):
    """Conversations with models and agents, as *Import conversations* and the API take them from this studio."""

    id = "studio"
    title = "Conversations of SFT Studio"
    text = (
        "Chats with models and agents, taken from the database with their ratings. An accepted correction replaces the "
        "answer."
    )

    file = re.compile(r".*\.jsonl?", re.IGNORECASE)
    people = MappingProxyType(
        {"user": ("User", "user"), "assistant": ("Model", "assistant"), "system": ("System", "system")}
    )
    rows_are = ("studio_conversation", str)

    def conversation(self, fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
        key = text(fields.get("studio_conversation")) or f"line-{line}"
        turns = []
        for item in items(fields.get("turns")):
            made = _turn(thing(item), line)
            if isinstance(made, Turn):
                turns.append(made)
            else:
                yield Left(made, raw(item), place, line, key)
        yield Conversation(key, text(fields.get("title"))[:200], tuple(turns), place)


def _turn(message: Object, line: int) -> Turn | str:
    role, written = text(message.get("role")), text(message.get("text"))
    if not role:
        return "no_speaker" if written else "not_a_message"
    if not written.strip():
        return "empty"
    notes = tuple(note for note in items(message.get("notes")) if isinstance(note, str) and note in NOTES)
    return Turn(role, written, _number(message.get("at")), line, notes, _rating(message.get("rating")))


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
    return float(value) if usable else None  # type: ignore[arg-type]


def _rating(value: object) -> float | None:
    found = _number(value)
    return found if found is not None and found <= 1 else None
