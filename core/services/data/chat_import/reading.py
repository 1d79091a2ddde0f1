"""Chat logs read into conversations: once for each way of reading, and stored next to the upload."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from core import arguments
from core.data.chat_logs import (
    Bundle,
    Conversation,
    Direction,
    Evidence,
    Left,
    LogFormat,
    LogItem,
    Person,
    ReadOptions,
    Turn,
    shaping,
)
from core.data.issues import data_error
from core.errors import DataError
from core.platform import scratch
from core.platform.storage import MANIFEST, get_storage
from core.services.data.chat_import import stored

VERSION: Final = 2  # grows when the same log would be read another way
PEOPLE_SHOWN: Final = 200  # speakers with a separate role on the screen
PEOPLE_NAMED: Final = 300  # up to this number, all names are searched for in every conversation
CONVERSATIONS, LEFT = "conversations.jsonl", "left.jsonl"


@dataclass(frozen=True, slots=True)
class Speaker:
    """A speaker in the log, with the number of messages, and of conversations that they start."""

    id: str
    name: str
    role: str
    bot: bool
    gone: bool
    named: bool
    messages: int
    begins: int


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """What is in a log: `messages = in conversations + left out`, each reason counted in messages.

    Attributes:
        kept: messages in conversations.
        left: reason -> messages that reading left out.
        notes: note -> its count, for the messages in conversations.
        speakers: those with the most messages; `speakers_total` counts all.
        began, ended: Unix seconds of the first and last message with a time.
        timed: messages with a time.
        direction: of the log's messages; None if its export defines their order.
    """

    format: str
    conversations: int
    messages: int
    kept: int
    left: Mapping[str, int]
    notes: Mapping[str, int]
    speakers: tuple[Speaker, ...]
    speakers_total: int
    began: float | None
    ended: float | None
    timed: int
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """A stored conversation, with the names that may appear in its texts."""

    conversation: Conversation
    names: tuple[str, ...] = field(default=())


def options_of(values: Mapping[str, Any]) -> ReadOptions:
    """The checked choices. Raises DataError with the field."""
    try:
        return ReadOptions(**arguments.mapping(values, "reading"))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise DataError(f"{name}: {first['msg']}.", "Correct it.", field=name) from error


# ---- reading


def summary(source_id: str, options: ReadOptions) -> ChatSummary:
    """The summary of the log, which is read now if it was not read this way before.

    Raises:
        DataError: a choice is missing, or the log cannot be read at all.
    """
    manifest = _read(source_id, options) / MANIFEST
    raw = json.loads(manifest.read_bytes())
    speakers = tuple(Speaker(**item) for item in raw.pop("speakers"))
    direction = raw.pop("direction")
    if direction is not None:
        direction = Direction(**{**direction, "evidence": tuple(Evidence(**item) for item in direction["evidence"])})
    return ChatSummary(**raw, speakers=speakers, direction=direction)


def talks(source_id: str, options: ReadOptions) -> Path:
    """The file of conversations, one per line (see `talk`)."""
    return _read(source_id, options) / CONVERSATIONS


def sample(source_id: str, options: ReadOptions, count: int = 3, start: int = 0) -> list[Talk]:
    """Some conversations, for display; `start` of them come before."""
    with talks(source_id, options).open("rb") as stream:
        return [talk(line) for line in islice(stream, start, start + count)]


def left_out(source_id: str, options: ReadOptions) -> Iterator[dict[str, Any]]:
    """The records that reading left out, verbatim."""
    with (_read(source_id, options) / LEFT).open("rb") as stream:
        for line in stream:
            yield json.loads(line)


def talk(line: bytes) -> Talk:
    """A line of the file of conversations."""
    raw = json.loads(line)
    turns = tuple(Turn(*item) for item in raw["turns"])
    return Talk(Conversation(raw["id"], raw["title"], turns, raw["place"]), tuple(raw["names"]))


def _read(source_id: str, options: ReadOptions) -> Path:
    """The directory with the result of reading; its manifest is written last."""
    log = stored.log_format(source_id)
    choices = {name: getattr(options, name) for name in log.options}
    way = json.dumps([VERSION, log.id, choices], sort_keys=True).encode()
    prefix = f"sources/{source_id}/chats-{hashlib.sha256(way).hexdigest()[:16]}"
    storage = get_storage()
    if not storage.exists(f"{prefix}/{MANIFEST}"):
        with scratch.folder() as folder:
            found = _write(log, stored.bundle(source_id), options, folder)
            (folder / MANIFEST).write_text(json.dumps(asdict(found)), encoding="utf-8")
            storage.put_dir(folder, prefix)
    return storage.local_dir(prefix)


class _Counting:
    """Counts messages, speakers and times while a log is read."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.messages: Counter[str] = Counter()
        self.begins: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.direction: Direction | None = None
        self.conversations = self.timed = 0
        self.began: float | None = None
        self.ended: float | None = None

    def conversation(self, item: Conversation) -> None:
        self.conversations += 1
        self.begins[item.turns[0].speaker] += 1
        for turn in item.turns:
            self.messages[turn.speaker] += 1
            self.notes.update(turn.notes)
            if turn.at is not None:
                self.timed += 1
                self.began = turn.at if self.began is None else min(self.began, turn.at)
                self.ended = turn.at if self.ended is None else max(self.ended, turn.at)

    def summary(self, format_id: str) -> ChatSummary:
        kept = self.messages.total()
        speakers = tuple(
            Speaker(**asdict(self.people.get(key) or Person(key, key)), messages=count, begins=self.begins[key])
            for key, count in self.messages.most_common(PEOPLE_SHOWN)
        )
        return ChatSummary(
            format=format_id,
            conversations=self.conversations,
            messages=kept + self.left.total(),
            kept=kept,
            left=dict(self.left.most_common()),
            notes=dict(self.notes.most_common()),
            speakers=speakers,
            speakers_total=len(self.messages),
            began=self.began,
            ended=self.ended,
            timed=self.timed,
            direction=self.direction,
        )


def _write(log: LogFormat, bundle: Bundle, options: ReadOptions, folder: Path) -> ChatSummary:
    counting, ids = _Counting(), Counter[str]()
    with (folder / CONVERSATIONS).open("wb") as talks_file, (folder / LEFT).open("wb") as left_file:
        for read in _until_broken(log.read(bundle, options)):
            item = read
            if isinstance(item, Person):
                counting.people[item.id] = item
            elif isinstance(item, Direction):
                counting.direction = item
            elif isinstance(item, Left):
                counting.left[item.reason] += item.messages
                left_file.write(_line(item.to_dict()))
            elif item.turns:
                ids[item.id] += 1
                if ids[item.id] > 1:  # two conversations in the log have the same id
                    item = replace(item, id=f"{item.id}~{ids[item.id]}")
                counting.conversation(item)
                talks_file.write(_line(_plain(item, counting.people)))
    found = counting.summary(log.id)
    if not found.messages:
        raise data_error("no_rows", f"{bundle.filename} has no messages.", "Export it again with its conversations.")
    return found


def _until_broken(items: Iterator[LogItem]) -> Iterator[LogItem]:
    """Items up to the first error: what was read before it is used."""
    read = 0
    try:
        for item in items:
            read += isinstance(item, Conversation)
            yield item
    except DataError as error:
        if not read:
            raise
        yield Left("unreadable", f"{error.message} Everything before it was read.", "", error.line or 0)


def _plain(item: Conversation, people: Mapping[str, Person]) -> dict[str, Any]:
    speakers = dict.fromkeys(turn.speaker for turn in item.turns)
    known = list(people.values()) if len(people) <= PEOPLE_NAMED else []
    known = known or [people.get(key) or Person(key, key) for key in speakers]
    return {
        "id": item.id,
        "title": item.title,
        "place": item.place,
        "turns": [[turn.speaker, turn.text, turn.at, turn.line, turn.notes, turn.rating] for turn in item.turns],
        "names": list(dict.fromkeys(shaping.names_of(known))),
    }


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"  # ASCII escapes preserve lone surrogates
