"""Intercom: conversations with their parts; the first message is the conversation's source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.data.chat_logs.parsing.help_desk import (
    AGENT,
    BOT,
    CUSTOMER,
    Comment,
    HelpDeskExport,
    Ticket,
    files_of,
    first_text,
    person_of,
)
from core.data.chat_logs.parsing.json_values import Object, items, text, thing, word

_SIDES = {"user": CUSTOMER, "lead": CUSTOMER, "contact": CUSTOMER, "admin": AGENT, "team": AGENT, "bot": BOT}
_WRITTEN = frozenset({"comment", "open", "close", "quick_reply", "message", ""})  # parts in which someone may write


class IntercomLog(HelpDeskExport):
    """Conversations from the API or a data export."""

    id = "intercom"
    title = "Intercom export"
    text = (
        "JSON conversations with `source` and `conversation_parts`, from the API or a data export. Notes and actions "
        "such as assignments are left out."
    )

    def ticket(self, fields: Object) -> Ticket | None:
        parts = fields.get("conversation_parts")
        if isinstance(parts, dict):
            parts = parts.get("conversation_parts")
        source = thing(fields.get("source") or fields.get("conversation_message"))
        if not isinstance(parts, list) or not (source or any("part_type" in thing(item) for item in parts[:5])):
            return None
        title = text(fields.get("title")) or text(source.get("subject"))
        return Ticket(word(fields.get("id")), title, list(_comments(fields, source, parts)))


def _comments(fields: Object, source: Object, parts: list[Any]) -> Iterator[Comment]:
    if source:
        yield _comment(dict(source), source, fields.get("created_at"), "")
    for item in parts:
        part = thing(item)
        kind = text(part.get("part_type"))
        reason = "note" if kind == "note" else "event" if kind not in _WRITTEN or not _says(part, kind) else ""
        if part.get("redacted") is True:
            reason = "deleted"
        yield _comment(item, part, part.get("created_at"), reason if isinstance(item, dict) else "not_a_message")


def _says(part: Object, kind: str) -> bool:
    """Whether it is a message: closing and reopening may come with one, or without."""
    return kind not in ("open", "close") or bool(text(part.get("body")).strip())


def _comment(record: Any, part: Object, at: object, reason: str) -> Comment:
    author = thing(part.get("author"))
    key, name = person_of(dict(author))
    side = _SIDES.get(text(author.get("type")), "")
    files = files_of(part) + len(items(part.get("files")))
    return Comment(record, key or side, name, side, first_text(part, "body", "text"), at, files, reason)
