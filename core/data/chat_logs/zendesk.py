"""Zendesk: tickets with their comments, as the JSON export or the API returns them, and chats with their history."""

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
    inner,
    person_of,
)
from core.data.chat_logs.parsing.json_values import Object, items, text, thing, word

_BODIES = ("plain_body", "body", "html_body")
_SIDES = {"end-user": CUSTOMER, "visitor": CUSTOMER, "agent": AGENT, "admin": AGENT, "trigger": BOT, "system": BOT}


class ZendeskLog(HelpDeskExport):
    """Tickets (Support) and chats (Chat)."""

    id = "zendesk"
    title = "Zendesk export"
    text = (
        "JSON with the comments of each ticket: Admin Center → Account → Tools → Reports → Export (JSON), or the API. "
        "Also the history of Zendesk Chat. Private comments are left out."
    )

    def ticket(self, fields: Object) -> Ticket | None:
        ticket = inner(fields, "ticket")
        comments = fields.get("comments", ticket.get("comments"))
        if isinstance(comments, list) and any(_is_comment(item) for item in comments[:5]):
            return Ticket(
                word(ticket.get("id")), text(ticket.get("subject")), list(_comments(fields, ticket, comments))
            )
        history = fields.get("history")
        if isinstance(history, list) and any(text(thing(item).get("type")).startswith("chat.") for item in history[:9]):
            return Ticket(word(fields.get("id")), text(fields.get("subject")), list(_chat(fields, history)))
        return None


def _is_comment(item: Any) -> bool:
    return bool({"author_id", "author"} & thing(item).keys()) and bool({*_BODIES} & thing(item).keys())


def _comments(fields: Object, ticket: Object, comments: list[Any]) -> Iterator[Comment]:
    people = {word(thing(user).get("id")): thing(user) for user in items(fields.get("users"))}
    requester, name = person_of(ticket.get("requester", ticket.get("requester_id")))
    names = {requester: name} if name else {}
    for key in ("assignee", "submitter"):
        who, name = person_of(ticket.get(key))
        names.setdefault(who, name)
    requester = requester or next((person_of(_author(item))[0] for item in comments), "")
    for item in comments:
        fields_ = thing(item)
        author, name = person_of(_author(item))
        user = people.get(author, {})
        given = user or (thing(_author(item)) if isinstance(_author(item), dict) else {})
        side = _SIDES.get(text(given.get("role")), CUSTOMER if author == requester else AGENT)
        yield Comment(
            item,
            author,
            name or first_text(user, "name", "email") or names.get(author, ""),
            side,
            first_text(fields_, *_BODIES),
            fields_.get("created_at"),
            files_of(fields_),
            "not_a_message" if not isinstance(item, dict) else "note" if fields_.get("public") is False else "",
        )


def _author(item: Any) -> Any:
    comment = thing(item)
    return (
        comment["author"]
        if isinstance(comment.get("author"), dict)
        else comment.get("author_id", comment.get("author"))
    )


def _chat(fields: Object, history: list[Any]) -> Iterator[Comment]:
    visitor = thing(fields.get("visitor"))
    for item in history:
        event = thing(item)
        name = text(event.get("name"))
        by_visitor = text(event.get("sender_type")).lower() == "visitor" or (
            not event.get("sender_type") and name == text(visitor.get("name"))
        )
        side = CUSTOMER if by_visitor else _SIDES.get(text(event.get("sender_type")).lower(), AGENT)
        author = word(visitor.get("id")) if by_visitor and visitor.get("id") else name
        written, kind = first_text(event, "msg", "text"), text(event.get("type"))
        reason = "" if kind == "chat.msg" else "not_text" if kind == "chat.file" else "event"
        yield Comment(item, author, name, side, written, event.get("timestamp"), 0, reason)
