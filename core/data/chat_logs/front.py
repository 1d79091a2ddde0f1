"""Front: messages of conversations, one per row or inside each conversation, and comments among colleagues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.data.chat_logs.parsing.help_desk import (
    AGENT,
    CUSTOMER,
    Comment,
    HelpDeskExport,
    Ticket,
    files_of,
    first_text,
    person_of,
)
from core.data.chat_logs.parsing.json_values import Object, items, text, thing, word


class FrontLog(HelpDeskExport):
    """Conversations with their messages, from the API or a company export."""

    id = "front"
    title = "Front export"
    text = (
        "JSON conversations with their `messages` (`is_inbound`, `text` or `body`), from the API or a company export. "
        "Comments among colleagues are left out."
    )

    def ticket(self, fields: Object) -> Ticket | None:
        conversation = thing(fields.get("conversation")) or fields
        messages = fields.get("messages", fields.get("_results"))
        if isinstance(messages, dict):
            messages = messages.get("_results")
        if not isinstance(messages, list) or not any("is_inbound" in thing(item) for item in messages[:5]):
            return None
        comments = [*_messages(messages), *_notes(items(fields.get("comments")))]
        return Ticket(word(conversation.get("id")), text(conversation.get("subject")), comments)


def _messages(messages: list[Any]) -> Iterator[Comment]:
    for item in messages:
        message = thing(item)
        inbound = message.get("is_inbound") is True
        sender = next(
            (thing(who) for who in items(message.get("recipients")) if text(thing(who).get("role")) == "from"), {}
        )
        author, name = person_of(message.get("author") or dict(sender))
        yield Comment(
            item,
            author or text(sender.get("handle")) or ("customer" if inbound else "agent"),
            name,
            CUSTOMER if inbound else AGENT,
            first_text(message, "text", "body", "blurb"),
            message.get("created_at"),
            files_of(message),
            "" if isinstance(item, dict) else "not_a_message",
        )


def _notes(comments: list[Any]) -> Iterator[Comment]:
    for item in comments:
        comment = thing(item)
        author, name = person_of(comment.get("author"))
        at = comment.get("posted_at", comment.get("created_at"))
        yield Comment(item, author or "agent", name, AGENT, first_text(comment, "body"), at, 0, "note")
