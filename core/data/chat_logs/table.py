"""A table of messages, one per row, with author, text, time and conversation in columns that the user chooses."""

from __future__ import annotations

import array
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from core.data.chat_logs.base import Conversation, Hints, Left, LogFormat, Person, ReadOptions, Turn
from core.data.chat_logs.bundle import Bundle
from core.data.chat_logs.grouping import by_pauses, in_time
from core.data.chat_logs.json_values import raw
from core.data.chat_logs.times import day_comes_first, parse, zone
from core.data.conversion.cells import cell_text
from core.errors import DataError
from core.messages import Reject, Row

# Usual column names in tables of messages, best first.
_NAMES = {
    "conversation": "conversation_id conversationid conversation conv_id conv thread_id thread_ts thread ticket_id "
    "ticket chat_id chat session_id session case_id case dialog_id channel room",
    "speaker": "speaker author author_name sender sender_name from role user username who name agent",
    "time": "timestamp time sent_at created_at date datetime created sent ts",
    "text": "text message content body msg utterance value comment",
}
_ROLES = {
    **dict.fromkeys(["user", "human", "customer", "client", "visitor", "guest", "kunde", "end-user"], "user"),
    **dict.fromkeys(
        ["assistant", "agent", "support", "bot", "gpt", "ai", "operator", "staff", "admin", "helpdesk"], "assistant"
    ),
    "system": "system",
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
    options = ("conversation", "speaker", "text", "time", "zone", "day_first", "gap_minutes")

    def recognizes(self, bundle: Bundle) -> bool:
        if bundle.is_archive:
            return False
        found = bundle.first_rows(bundle.filename, 5)
        return bool(found) and len(found[0].fields) >= 2

    def hints(self, bundle: Bundle) -> Hints:
        rows = bundle.first_rows(bundle.filename, _SAMPLE)
        columns = tuple(dict.fromkeys(name for row in rows[:50] for name in row.fields))
        guessed = {part: _guess(columns, names.split()) for part, names in _NAMES.items()}
        taken: set[str] = set()
        for part, name in guessed.items():  # a column has one meaning
            guessed[part] = "" if name in taken else name
            taken.add(name)
        times = (cell_text(row.fields.get(guessed["time"])) for row in rows) if guessed["time"] else ()
        return Hints(columns, ReadOptions(**guessed, day_first=day_comes_first(times)))

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[Conversation | Left | Person]:
        if not options.speaker or not options.text:
            missing = "speaker" if not options.speaker else "text"
            raise DataError(f"Choose the column for the {missing}.", "Choose it.", field=missing)
        naive, day_first = zone(options.zone), bool(options.day_first)
        known: dict[str, int] = {}
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            groups: dict[str, _Group] = {}
            for row in bundle.rows(bundle.filename):
                if isinstance(row, Reject):
                    yield Left("unreadable", row.raw, "", row.line)
                    continue
                made = _turn(row, options, naive, day_first)
                if isinstance(made, str):
                    yield Left(made, raw(dict(row.fields)), "", row.line, _key(row.fields, options))
                    continue
                if made.speaker not in known:
                    known[made.speaker] = 1
                    yield Person(made.speaker, made.speaker, _ROLES.get(made.speaker.strip().lower(), ""))
                groups.setdefault(_key(row.fields, options), _Group()).add(made, spool)
            for key, group in groups.items():
                yield from _conversations(key, group.turns(spool), options)


@dataclass(slots=True)
class _Group:
    """The rows of one conversation: their offsets in a file, since they may be anywhere in a table of any size."""

    places: array.array[int] = field(default_factory=lambda: array.array("q"))

    def add(self, turn: Turn, spool: IO[bytes]) -> None:
        self.places.append(spool.tell())
        spool.write(json.dumps([turn.speaker, turn.text, turn.at, turn.line, turn.notes]).encode() + b"\n")

    def turns(self, spool: IO[bytes]) -> list[Turn]:
        found = []
        for place in self.places:
            spool.seek(place)
            speaker, text, at, line, notes = json.loads(spool.readline())
            found.append(Turn(speaker, text, at, line, tuple(notes)))
        return found


def _guess(columns: tuple[str, ...], names: Sequence[str]) -> str:
    lower = {column.strip().lower().replace(" ", "_"): column for column in reversed(columns)}
    return next((lower[name] for name in names if name in lower), "")


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


def _conversations(key: str, turns: list[Turn], options: ReadOptions) -> Iterator[Conversation]:
    ordered, changed = in_time(turns)
    if changed:
        first = ordered[0]
        ordered = [Turn(first.speaker, first.text, first.at, first.line, (*first.notes, "order")), *ordered[1:]]
    if options.conversation and key:
        yield Conversation(key, key, tuple(ordered))
        return
    for number, group in enumerate(by_pauses(ordered, options.gap_minutes * 60), 1):
        yield Conversation(f"#{number}", f"Conversation {number:,}", tuple(group))
