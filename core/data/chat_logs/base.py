"""The common form of all chat logs: conversations of turns, the people in them, and what was left out and why."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.direction import Direction
from core.data.chat_logs.parsing.json_values import Object, raw
from core.errors import DataError
from core.messages import Reject
from core.registry import Registry

RAW_LIMIT: Final = 20_000  # characters of a left-out message in the download


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation.

    Attributes:
        speaker: the person's id in the log.
        at: Unix seconds (UTC); None if the log has no readable time.
        line: physical line in its file; 0 if there is none.
        notes: what was removed from its text, or is known of it, as ids of NOTES ("picture", "citation").
        rating: what people think of it, from 0 to 1; None where no one said.
    """

    speaker: str
    text: str
    at: float | None = None
    line: int = 0
    notes: tuple[str, ...] = ()
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns that belong together, in their order. `place` is the file inside an archive, "" for a single file."""

    id: str
    title: str
    turns: tuple[Turn, ...]
    place: str = ""

    @property
    def began(self) -> float | None:
        """When the first turn with a time was written."""
        return next((turn.at for turn in self.turns if turn.at is not None), None)


@dataclass(frozen=True, slots=True)
class Person:
    """A speaker in the log.

    Attributes:
        role: the role that the log gives them, or "".
        gone: the account was deleted.
        named: the name is a person's, although the log gives a role.
    """

    id: str
    name: str
    role: str = ""
    bot: bool = False
    gone: bool = False
    named: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A record that was not used. `messages`: how many messages it counts as; one if it is not a message."""

    reason: str
    raw: str
    place: str = ""
    line: int = 0
    conversation: str = ""
    messages: int = 1

    def to_dict(self) -> dict[str, Any]:
        """One line of the download."""
        return {
            "reason": self.reason,
            "why": REASONS[self.reason].title,
            "file": self.place,
            "line": self.line,
            "conversation": self.conversation,
            "messages": self.messages,
            "raw": self.raw[:RAW_LIMIT],
        }


LogItem = Conversation | Left | Person | Direction  # what reading a log yields


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was not used, with the text for the screen."""

    id: str
    title: str
    text: str


def _table(*rows: tuple[str, str, str]) -> dict[str, Reason]:
    return {row[0]: Reason(*row) for row in rows}


REASONS: Final = _table(
    # while reading
    ("unreadable", "Could not be read", "The record is damaged; the download has it verbatim."),
    ("not_a_message", "Not a message", "The record does not contain a message."),
    ("no_speaker", "No author", "Without an author, a message is neither input nor output."),
    ("empty", "No text", "The message is empty."),
    ("not_text", "Picture, sound or file only", "Only text can become a labeled example."),
    ("hidden", "Hidden by the chat app", "Instructions that the app added and the user never saw."),
    ("tool", "Tool step", "A tool call or its result: searches, code runs, browsing."),
    ("reasoning", "The model's reasoning", "The thinking before the answer; the answer is used."),
    ("other_branch", "Another version", "Regenerated or edited later: not on the path that was shown last."),
    ("event", "Channel event", "Someone joined or left, the topic changed, a message was pinned."),
    ("bot", "Written by a bot", "Bots are left out unless you include them."),
    ("deleted", "Deleted in the app", "A placeholder for a deleted message."),
    ("repeated", "Repeated message", "The log has it twice, with the same time and author."),
    ("note", "Internal note", "Notes among colleagues are left out unless you include them."),
    ("order_unknown", "Order unknown", "The log runs in both directions, and nothing shows which one is right here. "
     "Choose the order of messages to use them."),
    # while shaping
    ("speaker", "Speaker left out", "You left this speaker out, or the role in the log is not used."),
    ("instructions", "Instructions left out", "A system message after the first turn, or one replaced by yours."),
    ("no_question", "Answer without an input", "It comes before the first input."),
    ("unanswered", "Without an answer", "No assistant message follows."),
    ("no_time", "No usable time", "A date filter is set, but the conversation has no time."),
    ("outside_dates", "Outside the dates", "The conversation started outside the dates you chose."),
    ("too_few", "Too few exchanges", "The conversation has fewer exchanges than your minimum."),
    ("too_many", "Too many exchanges", "The conversation has more exchanges than your maximum."),
    ("too_short", "Answer too short", "The longest answer is shorter than your minimum."),
    ("too_long", "Too long", "The example has more characters than your maximum."),
    ("low_quality", "Quality too low", "Its quality score is below your minimum."),
    ("duplicate", "Duplicate", "An earlier example is the same."),
    ("over_maximum", "Over the maximum", "The maximum number of examples was reached."),
    ("dropped", "Dropped in the review", "You dropped this example."),
    ("invalid", "Not a valid example", "It has an error; see the finding."),
)  # fmt: skip

NOTES: Final = {
    "picture": "pictures in messages, left out",
    "file": "files attached to messages, left out",
    "sound": "sound in messages, left out",
    "citation": "the app's citation marks in messages, removed",
    "other_part": "other parts of messages, left out",
    "steps": "answers with the model's reasoning or tool steps, of which only the answer is used",
    "time": "messages whose time could not be read, used without one",
    "order": "conversations out of order, sorted",
    "corrected": "answers replaced by their accepted corrections",
    "doubted": "answers with a correction that is not accepted",
    "cut_off": "answers cut off at their maximum length",
    "unfinished": "answers that were stopped before their end",
}


class ReadOptions(BaseModel):
    """How a log is read. Only the choices in its format's `options` are used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    conversation: str = Field("", title="Conversation", description="The column with the id of the conversation.")
    speaker: str = Field("", title="Speaker", description="The column with the author of the message.")
    text: str = Field("", title="Text", description="The column with the text of the message.")
    time: str = Field("", title="Time", description="The column with the time of the message.")
    zone: str = Field("UTC", title="Time zone", description="For times without a time zone.")
    day_first: bool | None = Field(None, title="Day before month", description="How to read 03/04/2025.")
    gap_minutes: int = Field(
        120, ge=0, le=100_000, title="New conversation after a pause of",
        description="Messages outside threads are one conversation until there is a pause of this length. 0: never "
        "split.",
        json_schema_extra={"unit": "minutes"},
    )  # fmt: skip
    direction: Literal["", "oldest", "newest"] = Field(
        "", title="Order of messages",
        description="Which message of a conversation comes first in the file. Detected by times, by who writes first "
        "and by questions before answers. A choice is followed without looking at times.",
    )  # fmt: skip
    bots: bool = Field(False, title="Include bots", description="Messages that bots wrote into the channel.")
    notes: bool = Field(False, title="Include notes", description="Messages that customers did not see.")


@dataclass(frozen=True, slots=True)
class Hints:
    """What a user must choose before reading: the available columns, with a guess for each part."""

    columns: tuple[str, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)


class LogFormat(ABC):
    """One way of exporting chats.

    Attributes:
        text: what it is and where to get it, for the screen.
        options: names of the ReadOptions that it uses.
        asker: whoever starts a conversation is the user; False where the export gives roles.
        event_roles: roles whose messages are events of the app, not part of the conversation; left out at first.
        is_fallback: it takes almost anything, so it is asked after all others.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    text: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()
    asker: ClassVar[bool] = False
    event_roles: ClassVar[frozenset[str]] = frozenset()
    is_fallback: ClassVar[bool] = False

    @abstractmethod
    def recognizes(self, bundle: Bundle) -> bool:
        """Whether the upload is one of its exports."""

    def is_sure(self, bundle: Bundle) -> bool:
        """Whether an upload that it recognizes is a chat log and nothing else."""
        return not self.is_fallback

    def hints(self, bundle: Bundle) -> Hints:
        """What to ask before reading; by default nothing."""
        return Hints()

    @abstractmethod
    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        """Everything in the log: people, conversations, and what was left out. Every message is in one of the last two.

        A speaker without a Person is called by their id.
        """


class AppExport(LogFormat):
    """An app's own export: `conversations.json`, also inside its archive, with one conversation per row.

    Attributes:
        file: how the files inside an archive are named.
        people: speaker in the log -> (name, role).
        rows_are: the key that makes a row one conversation, and the type of its value.
    """

    file: ClassVar[re.Pattern[str]]
    people: ClassVar[Mapping[str, tuple[str, str]]]
    rows_are: ClassVar[tuple[str, type]]

    @abstractmethod
    def conversation(self, fields: Object, place: str, line: int) -> Iterator[Conversation | Left]:
        """One row as a conversation, and what is left out of it."""

    def is_single(self, bundle: Bundle, name: str) -> bool:
        """Whether the file is one conversation as one object; its inner lists are not tables."""
        return False

    def recognizes(self, bundle: Bundle) -> bool:
        first = self._files(bundle)[:1]
        rows = (row for name in first for row in bundle.first_rows(name, 3, single=self.is_single(bundle, name)))
        return any(self._fits(row.fields) for row in rows)

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        for key, (name, role) in self.people.items():
            yield Person(key, name, role)
        for name in self._files(bundle):
            place = name if bundle.is_archive else ""
            for row in bundle.rows(name, single=self.is_single(bundle, name)):
                if isinstance(row, Reject):
                    yield Left("unreadable", row.raw, place, row.line)
                elif not self._fits(row.fields):
                    yield Left("not_a_message", raw(row.fields), place, row.line)
                else:
                    yield from self.conversation(row.fields, place, row.line)

    def _fits(self, fields: Object) -> bool:
        key, kind = self.rows_are
        return isinstance(fields.get(key), kind)

    def _files(self, bundle: Bundle) -> list[str]:
        return [name for name in bundle.names if not bundle.is_archive or self.file.fullmatch(name)]


LOG_FORMATS: Final = Registry[LogFormat]("chat export")


def recognize(bundle: Bundle) -> LogFormat:
    """The format of an upload: the first one in the registry that recognizes it, fallbacks last.

    Raises:
        DataError: the studio cannot read this export; names those that it can.
    """
    in_order = sorted(LOG_FORMATS, key=lambda entry: entry.is_fallback)
    found = next((entry for entry in in_order if entry.recognizes(bundle)), None)
    if found is None:
        titles = ", ".join(entry.title for entry in LOG_FORMATS)
        text = f"{bundle.filename} is not a chat export that the studio can read."
        raise DataError(text, f"Choose one of: {titles}.")
    return found
