"""What every chat log becomes: conversations of turns, the people in them, and what was left out with its reason."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from core.data.chat_logs.bundle import Bundle
from core.errors import DataError
from core.registry import Registry

RAW_LIMIT: Final = 20_000  # characters of a left-out message that are kept for the download


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation.

    Attributes:
        speaker: the person's id in the log.
        at: Unix seconds (UTC); None where the log says nothing that can be read as a time.
        line: physical line in its file; 0 where there is none.
        notes: what its text lost on the way, as ids of NOTES ("picture", "citation").
    """

    speaker: str
    text: str
    at: float | None = None
    line: int = 0
    notes: tuple[str, ...] = ()


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
    """Somebody who speaks in the log: `role` is what the log itself says they are, "" where it does not."""

    id: str
    name: str
    role: str = ""
    bot: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Messages that were not used. `messages` is how many it stands for: a record that is no message counts as one."""

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


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was not used, in words for the screen."""

    id: str
    title: str
    text: str


def _table(*rows: tuple[str, str, str]) -> dict[str, Reason]:
    return {row[0]: Reason(*row) for row in rows}


REASONS: Final = _table(
    # while reading
    ("unreadable", "Could not be read", "The record is broken; the download has it as it stands in the file."),
    ("not_a_message", "No message", "The record holds nothing that is a message."),
    ("no_speaker", "Nobody named as its writer", "Without a speaker a message is neither input nor output."),
    ("empty", "No text", "The message is empty."),
    ("not_text", "Picture, sound or file only", "Only text can become a labeled example."),
    ("hidden", "Hidden by the chat app", "Instructions that the app added and the person never saw."),
    ("tool", "Tool step", "A call to a tool or what it gave back: searches, code runs, browsing."),
    ("reasoning", "The model's reasoning", "Thoughts before the answer; the answer itself is kept."),
    ("other_branch", "Another version", "Regenerated or edited away: not on the path that the person saw last."),
    ("event", "Channel event", "Joins, leaves, topics, pins and the like."),
    ("bot", "Written by a bot", "Bots are left out unless you keep them."),
    ("deleted", "Deleted in the app", "A placeholder of a message that its writer deleted."),
    ("repeated", "The same message again", "The log has it twice, with the same time and the same writer."),
    # while shaping
    ("speaker", "Speaker left out", "You left this speaker out, or the log's role has no use here."),
    ("instructions", "Instructions left out", "A system message after the first turn, or replaced by yours."),
    ("no_question", "Answer without an input", "It stands before anybody asked."),
    ("unanswered", "Without an answer", "Nobody with the role of the assistant answers it."),
    ("no_time", "No usable time", "A date filter is set, and the conversation has no time."),
    ("outside_dates", "Outside the dates", "The conversation began before or after the dates you chose."),
    ("too_few", "Too few exchanges", "The conversation has fewer exchanges than you ask for."),
    ("too_many", "Too many exchanges", "The conversation has more exchanges than you allow."),
    ("too_short", "Answer too short", "The longest answer has fewer characters than you ask for."),
    ("too_long", "Too long", "The example has more characters than you allow."),
    ("duplicate", "Duplicate", "The same example came before."),
    ("over_maximum", "Beyond the maximum number", "The maximum number of examples was reached."),
    ("dropped", "Dropped in the review", "You dropped it."),
    ("invalid", "No valid example", "The checks refuse it; the finding says why."),
)  # fmt: skip

NOTES: Final = {
    "picture": "pictures inside messages, left out",
    "file": "files attached to messages, left out",
    "sound": "sound inside messages, left out",
    "citation": "source marks of the app inside messages, taken out",
    "other_part": "other parts inside messages, left out",
    "time": "messages whose time could not be read, kept without one",
    "order": "messages that stood out of order, put in the order of their time",
}


class ReadOptions(BaseModel):
    """How a log is read. Only the choices that its format names in `options` mean anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    conversation: str = Field("", title="Conversation", description="The column that says which conversation it is.")
    speaker: str = Field("", title="Speaker", description="The column that says who wrote the message.")
    text: str = Field("", title="Text", description="The column with the message itself.")
    time: str = Field("", title="Time", description="The column that says when it was written.")
    zone: str = Field("UTC", title="Time zone", description="Of times that do not say theirs.")
    day_first: bool | None = Field(None, title="Day before month", description="How 03/04/2025 is meant.")
    gap_minutes: int = Field(
        120,
        ge=0,
        le=100_000,
        title="New conversation after a pause of",
        description="Messages that belong to no thread are one conversation until nobody writes for this long. "
        "0: never split.",
        json_schema_extra={"unit": "minutes"},
    )
    bots: bool = Field(False, title="Keep bots", description="Messages that programs wrote into the channel.")


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person must know or choose before reading: the columns there are, with a guess for each part."""

    columns: tuple[str, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)


class LogFormat(ABC):
    """One way of exporting chats.

    Attributes:
        text: what it is and where to get it, for the screen.
        options: names of the ReadOptions that it uses.
        asker: whoever starts a conversation is the user; False where speakers have roles of their own.
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

    def hints(self, bundle: Bundle) -> Hints:
        """What to ask before reading; by default nothing."""
        return Hints()

    @abstractmethod
    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[Conversation | Left | Person]:
        """Everything in the log: people, conversations, and what was left out. Every message is in one of the last two.

        A speaker without a Person is called by their id.
        """


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
        raise DataError(
            f"{bundle.filename} is not a chat export that the studio can read.", f"Choose one of: {titles}."
        )
    return found
