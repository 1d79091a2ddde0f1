"""A table of messages, one per row, with author, text, time and conversation in columns that the user chooses."""

from __future__ import annotations

import array
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

from core.data.chat_logs.base import Conversation, Hints, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.direction import Marks, arrange
from core.data.chat_logs.parsing.json_values import raw
from core.data.chat_logs.parsing.message_columns import guessed_columns, internal_column
from core.data.chat_logs.parsing.times import day_comes_first, parse, zone
from core.data.conversion.cells import cell_text
from core.errors import DataError
from core.messages import Reject, Row

_ROLES = {
    name: role
    for role, names in {
        "user": "user human customer client visitor guest requester contact lead end-user end_user enduser buyer "
        "patient kunde kundin nutzer besucher cliente usuario utilisateur utente klant",
        "assistant": "assistant agent support bot gpt ai operator staff admin helpdesk help_desk representative "
        "advisor service team mitarbeiter mitarbeiterin berater agente conseiller soporte operatore medewerker",
        "system": "system",
    }.items()
    for name in names.split()
}
_IN_MEMORY = 64 << 20  # bytes; messages of larger tables are stored on disk
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
        columns = [name for row in bundle.first_rows(bundle.filename, 1) for name in row.fields]
        is_note = None if options.notes else internal_column(columns)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            table = _Messages(spool)
            for row in bundle.rows(bundle.filename):
                if isinstance(row, Reject):
                    yield Left("unreadable", row.raw, "", row.line)
                    continue
                made = "note" if is_note and is_note(row.fields) else _turn(row, options, naive, day_first)
                if isinstance(made, str):
                    yield Left(made, raw(dict(row.fields)), "", row.line, _key(row.fields, options))
                    continue
                role = _ROLES.get(made.speaker.strip().lower(), "")
                if made.speaker not in table.marks.numbers:
                    yield Person(made.speaker, made.speaker, role)
                table.add(_key(row.fields, options), made, role)
            yield from table.conversations(options)


class _Messages:
    """The messages of a table: their texts in a file, since a conversation's rows may be anywhere in it."""

    def __init__(self, spool: IO[bytes]) -> None:
        self.marks = Marks()
        self._spool = spool
        self._places: array.array[int] = array.array("q")
        self._groups: dict[str, array.array[int]] = {}

    def add(self, key: str, turn: Turn, role: str) -> None:
        """Store a message of the conversation `key`."""
        number = self.marks.add(turn.speaker, role, turn.at, turn.text)
        self._places.append(self._spool.tell())
        self._spool.write(json.dumps([turn.speaker, turn.text, turn.at, turn.line, turn.notes]).encode() + b"\n")
        if key not in self._groups:
            self._groups[key] = array.array("l")
        self._groups[key].append(number)

    def conversations(self, options: ReadOptions) -> Iterator[LogItem]:
        """Every conversation with its messages in order, and the direction of the table."""
        loose = self._groups.pop("", array.array("l"))
        keys: list[str] = list(self._groups)
        talks: list[Sequence[int]] = list(self._groups.values())
        parts = self._by_pauses(loose, options)
        orders, direction = arrange(self.marks, [*talks, *parts], options.direction)
        yield direction
        for number, (rows, order) in enumerate(zip([*talks, *parts], orders, strict=True)):
            named = number < len(keys)
            key = keys[number] if named else f"#{number - len(keys) + 1}"
            if order is None:
                for row in rows:
                    turn = self._turn(row)
                    yield Left("order_unknown", turn.text, "", turn.line, key)
                continue
            turns = [self._turn(row) for row in order]
            if list(order) != list(rows):
                turns[0] = replace(turns[0], notes=(*turns[0].notes, "order"))
            title = key if named else f"Conversation {number - len(keys) + 1:,}"
            yield Conversation(key, title, tuple(turns))

    def _by_pauses(self, rows: array.array[int], options: ReadOptions) -> list[Sequence[int]]:
        """Messages without a conversation, split at long pauses; each part in the order of the file."""
        times = self.marks.times
        if not rows:
            return []
        if not options.gap_minutes or not self.marks.timed(rows):
            return [rows]
        parts: list[list[int]] = [[]]
        last = float("nan")
        for row in sorted(rows, key=times.__getitem__):
            if times[row] - last > options.gap_minutes * 60:
                parts.append([])
            parts[-1].append(row)
            last = times[row]
        return [sorted(part) for part in parts]

    def _turn(self, number: int) -> Turn:
        self._spool.seek(self._places[number])
        speaker, text, at, line, notes = json.loads(self._spool.readline())
        return Turn(speaker, text, at, line, tuple(notes))


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
