"""Chats as lists of turns: ShareGPT's `conversations` of from and value, or `messages` of role and content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.data.chat_logs.base import Conversation, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.grouping import in_time
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing, word
from core.data.chat_logs.parsing.times import parse
from core.messages import Reject

_LISTS = (
    "conversations", "conversation", "messages", "turns", "chat", "dialog", "dialogue", "transcript", "thread",
    "history", "replies", "comments", "posts", "utterances", "items",
)  # fmt: skip
_SPEAKERS = ("from", "role", "speaker", "sender", "author", "user", "name")
_TEXTS = ("value", "content", "text", "message", "body", "utterance", "msg")
_TIMES = ("timestamp", "time", "created_at", "sent_at", "date", "ts")
# Source: the `from` names of FastChat, LLaMA-Factory, Axolotl and the FineTome and SlimOrca data sets.
_ROLES = {
    **dict.fromkeys(("human", "user", "customer", "client"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "assistant", "model", "bot", "bing", "bard", "ai", "agent"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "function_call", "function_response", "observation"), "tool"),
}


class ShareGptLog(LogFormat):
    """One row per chat, as JSON, JSONL or Parquet."""

    id = "sharegpt"
    title = "ShareGPT and chat lists"
    text = (
        "One row per chat: `conversations` with from and value, or `messages` with role and content. "
        "JSON, JSONL or Parquet."
    )

    def recognizes(self, bundle: Bundle) -> bool:
        return any(_turns(row.fields) for name in _files(bundle)[:1] for row in bundle.first_rows(name, 5))

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        known: set[str] = set()
        for name in _files(bundle):
            place = name if bundle.is_archive else ""
            for number, row in enumerate(bundle.rows(name), 1):
                if isinstance(row, Reject):
                    yield Left("unreadable", row.raw, place, row.line)
                    continue
                listed = _turns(row.fields)
                if listed is None:
                    yield Left("not_a_message", raw(dict(row.fields)), place, row.line)
                    continue
                key = word(row.fields.get("id")) or word(row.fields.get("conversation_id")) or f"{name}-{number}"
                turns = []
                for item in listed:
                    made = _turn(item, row.line)
                    if isinstance(made, str):
                        yield Left(made, raw(item), place, row.line, key)
                        continue
                    if made.speaker not in known:
                        known.add(made.speaker)
                        yield Person(made.speaker, made.speaker, _ROLES.get(made.speaker.strip().lower(), ""))
                    turns.append(made)
                ordered, changed = in_time(turns)
                if changed:
                    ordered[0] = replace(ordered[0], notes=(*ordered[0].notes, "order"))
                yield Conversation(key, text(row.fields.get("title"))[:200], tuple(ordered), place)


def _files(bundle: Bundle) -> list[str]:
    kinds = (".json", ".jsonl", ".ndjson", ".parquet")
    return [name for name in bundle.names if name.lower().endswith(kinds)] if bundle.is_archive else list(bundle.names)


def _turns(fields: Object) -> list[Any] | None:
    """The list of turns of a row, or None."""
    for name in _LISTS:
        value = fields.get(name)
        if isinstance(value, str) and value.lstrip()[:1] == "[":
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                continue
        listed = items(value)
        if any(_speaker(item) and {*_TEXTS} & thing(item).keys() for item in listed[:5]):
            return listed
    return None


def _speaker(item: Any) -> str:
    """Who wrote a turn: a name, a role, or an object with one of them, the role first."""
    for key in _SPEAKERS:
        who = thing(item).get(key)
        if isinstance(who, dict):
            who = next((who[part] for part in ("role", "type", "name", "email", "id") if who.get(part)), None)
        if word(who).strip():
            return word(who).strip()
    return ""


def _turn(item: Any, line: int) -> Turn | str:
    if not isinstance(item, dict):
        return "not_a_message"
    speaker = _speaker(item)
    if not speaker:
        return "no_speaker"
    value = next((item[key] for key in _TEXTS if item.get(key) is not None), None)
    notes: list[str] = []
    if isinstance(value, list):  # content parts as in OpenAI's API
        parts = [text(thing(part).get("text")) for part in value]
        notes = ["picture" if "image" in text(thing(part).get("type")) else "other_part"
                 for part, words in zip(value, parts, strict=True) if not words]  # fmt: skip
        value = "\n".join(part for part in parts if part)
    if item.get("tool_calls") and not text(value).strip():
        return "tool"
    if not isinstance(value, str):
        return "empty" if value is None else "not_text"
    if not value.strip():
        return "not_text" if notes else "empty"
    at = next((parse(item[key]) for key in _TIMES if key in item), None)
    return Turn(speaker, value, at, line, tuple(notes))
