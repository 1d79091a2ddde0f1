"""A table of messages, one per row, with author, text, time and conversation in columns that the user chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.data.chat_logs.base import Hints, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.json_values import raw
from core.data.chat_logs.parsing.message_columns import guessed_columns, internal_column, is_conversation
from core.data.chat_logs.parsing.message_store import MessageStore
from core.data.chat_logs.parsing.times import day_comes_first, parse, zone
from core.data.conversion.cells import cell_text
from core.errors import DataError
from core.messages import Reject, Row

_ROLES = {
    name: role
    for role, names in {
        "user": "user human customer client visitor guest requester contact lead end-user end_user enduser buyer "
        "inbound incoming received patient kunde kundin nutzer besucher cliente usuario utilisateur utente klant",
        "assistant": "assistant agent support bot gpt ai operator staff admin helpdesk help_desk representative "
        "outbound outgoing sent advisor service team mitarbeiter mitarbeiterin berater agente conseiller soporte "
        "operatore medewerker",
        "system": "system",
    }.items()
    for name in names.split()
}
_SAMPLE = 500  # rows in which the order of day and month is detected


class TableLog(LogFormat):
    """CSV, Excel, Parquet or flat JSON with one message per row."""

    id = "table"
    title = "Table of messages"
    text = (
        "One message per row, with a column for the conversation, the speaker, the time and the text: CSV, Excel, "
        "Parquet or JSON, as help desks and databases export it."
    )
    is_fallback = True
    event_roles = frozenset({"system"})  # "Conversation opened": not instructions for a model
    options = ("conversation", "speaker", "text", "time", "zone", "day_first", "direction", "gap_minutes", "notes")

    def recognizes(self, bundle: Bundle) -> bool:
        if bundle.is_archive:
            return False
        found = bundle.first_rows(bundle.filename, 5)
        return bool(found) and len(found[0].fields) >= 2

    def is_sure(self, bundle: Bundle) -> bool:
        rows = bundle.first_rows(bundle.filename, _SAMPLE)
        return is_conversation(rows, guessed_columns(rows))

    def hints(self, bundle: Bundle) -> Hints:
        rows = bundle.first_rows(bundle.filename, _SAMPLE)
        columns = tuple(dict.fromkeys(name for row in rows[:50] for name in row.fields))
        guessed = guessed_columns(rows)
        times = (cell_text(row.fields.get(guessed["time"])) for row in rows) if guessed["time"] else ()
        return Hints(columns, ReadOptions(**guessed, day_first=day_comes_first(times)))

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        if not options.speaker or not options.text:
            missing = "speaker" if not options.speaker else "text"
            raise DataError(f"Choose the column for the {missing}.", "Choose it.", field=missing)
        naive, day_first = zone(options.zone), bool(options.day_first)
        columns: tuple[str, ...] | None = None
        is_note = None
        with MessageStore(ordered=False) as store:
            for row in bundle.rows(bundle.filename):
                if isinstance(row, Reject):
                    yield Left("unreadable", row.raw, "", row.line)
                    continue
                if columns is None:
                    columns = tuple(row.fields)
                    is_note = None if options.notes else internal_column(columns)
                made = "note" if is_note and is_note(row.fields) else _turn(row, options, naive, day_first)
                if isinstance(made, str):
                    yield Left(made, raw(dict(row.fields)), "", row.line, _key(row.fields, options))
                    continue
                role = _ROLES.get(made.speaker.strip().lower(), "")
                if not store.knows(made.speaker):
                    yield Person(made.speaker, made.speaker, role)
                store.add(_key(row.fields, options), made, role)
            yield from store.conversations(chosen=options.direction, gap_minutes=options.gap_minutes)


def _key(fields: Mapping[str, Any], options: ReadOptions) -> str:
    return cell_text(fields.get(options.conversation)).strip()[:200] if options.conversation else ""


def _turn(row: Row, options: ReadOptions, naive: Any, day_first: bool) -> Turn | str:
    speaker = cell_text(row.fields.get(options.speaker)).strip()
    text = cell_text(row.fields.get(options.text))
    if not text.strip():
        return "empty"
    if not speaker:
        return "no_speaker"
    value = row.fields.get(options.time) if options.time else None
    at = parse(value, naive=naive, day_first=day_first)
    notes = ("time",) if options.time and at is None else ()
    return Turn(speaker, text, at, row.line, notes)
