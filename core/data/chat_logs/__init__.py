"""Chat logs: exported conversations of people and assistants -> labeled examples.

    upload --(LogFormat.read)--> Conversation | Left | Person --(shaping.shape)--> examples + what was left out, and why

A new log format is one file with a class (see base.LogFormat) and a line in the registry; a duplicate id raises.
"""

from __future__ import annotations

from core.data.chat_logs.base import (
    NOTES,
    REASONS,
    Conversation,
    Hints,
    Left,
    LogFormat,
    Person,
    ReadOptions,
    Reason,
    Turn,
)
from core.data.chat_logs.bundle import Bundle
from core.data.chat_logs.chatgpt import ChatGptLog
from core.data.chat_logs.claude import ClaudeLog
from core.data.chat_logs.sharegpt import ShareGptLog
from core.data.chat_logs.slack import SlackLog
from core.data.chat_logs.table import TableLog
from core.errors import DataError, NotFound

LOG_FORMATS: dict[str, LogFormat] = {}


def register(entry: LogFormat) -> None:
    """Add a log format; ValueError where its id is taken."""
    if entry.id in LOG_FORMATS:
        raise ValueError(f"there are two log formats with the id {entry.id!r}")
    LOG_FORMATS[entry.id] = entry


# In the order in which an upload is looked at: the ones with the surest marks first, any table last.
for _entry in (ChatGptLog(), ClaudeLog(), SlackLog(), ShareGptLog(), TableLog()):
    register(_entry)


def get_format(format_id: str) -> LogFormat:
    """The log format of an id. Raises NotFound with the ids there are."""
    if format_id not in LOG_FORMATS:
        raise NotFound(f"There is no log format {format_id!r}.", f"Choose one of {', '.join(LOG_FORMATS)}.")
    return LOG_FORMATS[format_id]


def recognise(bundle: Bundle) -> LogFormat:
    """The format of an upload.

    Raises:
        DataError: it is none of the exports that the studio reads; names them.
    """
    found = next((entry for entry in LOG_FORMATS.values() if entry.recognises(bundle)), None)
    if found is None:
        titles = ", ".join(entry.title for entry in LOG_FORMATS.values())
        raise DataError(
            f"{bundle.filename} is none of the chat exports that the studio reads.", f"Bring one of: {titles}."
        )
    return found


__all__ = [
    "LOG_FORMATS",
    "NOTES",
    "REASONS",
    "Bundle",
    "Conversation",
    "Hints",
    "Left",
    "LogFormat",
    "Person",
    "ReadOptions",
    "Reason",
    "Turn",
    "get_format",
    "recognise",
    "register",
]
