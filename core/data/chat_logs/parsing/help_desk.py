"""What the exports of help desks share: tickets with comments of customers and agents, and notes among colleagues."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from core.data.chat_logs.base import Conversation, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.grouping import in_time
from core.data.chat_logs.parsing.html_text import html_text
from core.data.chat_logs.parsing.json_values import Object, raw, text, thing, word
from core.data.chat_logs.parsing.times import parse
from core.messages import Reject

CUSTOMER, AGENT, BOT = "user", "assistant", "bot"
_SUFFIXES: Final = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Comment:
    """One message of a ticket as its export has it.

    Attributes:
        record: for the download, if it is left out.
        author: id or name.
        side: CUSTOMER, AGENT, BOT, or "" if the export does not say.
        written: text or HTML.
        reason: why it is not a message of the conversation ("note", "event"), "" if it is one.
    """

    record: Any
    author: str
    name: str
    side: str
    written: str
    at: Any = None
    files: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One conversation of an export."""

    id: str
    title: str
    comments: list[Comment]


class HelpDeskExport(LogFormat):
    """Tickets as JSON or JSON lines: one per row, in an array, or in an object around it."""

    options = ("bots", "notes")

    @abstractmethod
    def ticket(self, fields: Object) -> Ticket | None:
        """The ticket of a row; None if the row is not one."""

    def recognizes(self, bundle: Bundle) -> bool:
        return any(self._single(bundle, name) is not None for name in _files(bundle)[:3])

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        known: set[str] = set()
        for name in _files(bundle):
            place = name if bundle.is_archive else ""
            for row in bundle.rows(name, single=self._single(bundle, name) is True):
                if isinstance(row, Reject):
                    yield Left("unreadable", row.raw, place, row.line)
                    continue
                ticket = self.ticket(row.fields)
                if ticket is None:
                    yield Left("not_a_message", raw(dict(row.fields)), place, row.line)
                    continue
                key = ticket.id or f"{name}-{row.line}"
                turns = []
                for comment in ticket.comments:
                    made = _turn(comment, row.line, options)
                    if isinstance(made, str):
                        yield Left(made, raw(comment.record), place, row.line, key)
                        continue
                    if made.speaker not in known:
                        known.add(made.speaker)
                        role = AGENT if comment.side == BOT else comment.side
                        bot = comment.side == BOT
                        yield Person(made.speaker, comment.name or comment.author, role, bot, named=bool(comment.name))
                    turns.append(made)
                yield Conversation(key, ticket.title[:200], tuple(in_time(turns)[0]), place)

    def _single(self, bundle: Bundle, name: str) -> bool | None:
        """Whether the document is one ticket, not rows of them; None if it has no ticket."""
        for single in (False, True):
            rows = islice(bundle.first_rows(name, 3, single=single), 3)
            if any(self.ticket(row.fields) is not None for row in rows):
                return single
            if bundle.head(name, 256).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
                break
        return None


def first_text(fields: Object, *keys: str) -> str:
    """The first of these members that is a text with content."""
    return next((value for key in keys if (value := text(fields.get(key))).strip()), "")


def person_of(value: Any) -> tuple[str, str]:
    """Id and name of a person, who may be an object or only an id."""
    if not isinstance(value, dict):
        return word(value), ""
    name = first_text(value, "name", "full_name", "display_name", "handle", "email")
    if not name:
        name = " ".join(filter(None, (text(value.get("first_name")), text(value.get("last_name")))))
    return word(value.get("id")) or name, name


def files_of(fields: Object) -> int:
    """How many files are attached."""
    attached = fields.get("attachments")
    return len(attached) if isinstance(attached, list) else 0


def _turn(comment: Comment, line: int, options: ReadOptions) -> Turn | str:
    if comment.reason and not (comment.reason == "note" and options.notes):
        return comment.reason
    if comment.side == BOT and not options.bots:
        return "bot"
    if not comment.author:
        return "no_speaker"
    notes = ["file"] * comment.files
    written = html_text(comment.written)
    if not written.strip():
        return "not_text" if notes else "empty"
    at = parse(comment.at)
    if at is None and comment.at is not None:
        notes.append("time")
    return Turn(comment.author, written, at, line, tuple(notes))


def _files(bundle: Bundle) -> list[str]:
    return [name for name in bundle.names if not bundle.is_archive or name.lower().endswith(_SUFFIXES)]


def inner(fields: Object, *keys: str) -> Object:
    """The object that an export wraps around each record, such as `helpdesk_ticket`; else the record itself."""
    return next((thing(fields[key]) for key in keys if isinstance(fields.get(key), dict)), fields)
