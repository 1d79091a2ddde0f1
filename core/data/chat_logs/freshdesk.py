"""Freshdesk: tickets with their conversations, or with their notes as in the full export."""

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
    inner,
    person_of,
)
from core.data.chat_logs.parsing.json_values import Object, items, text, thing, word

_BODIES = ("body_text", "body", "body_html")
_MARKS = frozenset({"incoming", "private", "from_email", "support_email", "source"})


class FreshdeskLog(HelpDeskExport):
    """Tickets; the description is the customer's first message."""

    id = "freshdesk"
    title = "Freshdesk export"
    text = (
        "JSON with the conversations of each ticket: Admin → Account → Export data, or the API's tickets with "
        "`include=conversations`. Private notes are left out."
    )

    def ticket(self, fields: Object) -> Ticket | None:
        ticket = inner(fields, "helpdesk_ticket", "ticket")
        replies = ticket.get("conversations", ticket.get("notes", fields.get("conversations")))
        if not isinstance(replies, list) or not (
            any(_is_reply(item) for item in replies[:5])
            or (not replies and "requester_id" in ticket and ticket.keys() & {"description", "description_text"})
        ):
            return None
        key = word(ticket.get("display_id")) or word(ticket.get("id"))
        return Ticket(key, text(ticket.get("subject")), list(_comments(ticket, replies)))


def _reply(item: Any) -> Object:
    return inner(thing(item), "helpdesk_note", "note")


def _is_reply(item: Any) -> bool:
    return bool(_MARKS & _reply(item).keys()) and bool({*_BODIES} & _reply(item).keys())


def _comments(ticket: Object, replies: list[Any]) -> Iterator[Comment]:
    requester, name = person_of(ticket.get("requester", ticket.get("requester_id")))
    requester, name = requester or word(ticket.get("requester_id")), name or text(ticket.get("requester_name"))
    agent = text(thing(ticket.get("responder")).get("name")) or text(ticket.get("responder_name"))
    opening = first_text(ticket, "description_text", "description", "description_html")
    if opening:
        record = {"description": opening}
        yield Comment(
            record, requester or "customer", name, CUSTOMER, opening, ticket.get("created_at"), files_of(ticket)
        )
    for item in replies:
        reply = _reply(item)
        author = word(reply.get("user_id")) or text(reply.get("from_email"))
        incoming = reply.get("incoming")
        customer = incoming is True or (incoming is None and author == requester)
        yield Comment(
            item,
            author or (requester if customer else "agent"),
            (name if customer else agent),
            CUSTOMER if customer else AGENT,
            first_text(reply, *_BODIES),
            reply.get("created_at"),
            files_of(reply) or len(items(reply.get("inline_attachments"))),
            "not_a_message" if not isinstance(item, dict) else "note" if reply.get("private") is True else "",
        )
