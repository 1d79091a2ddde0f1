"""Discord channels as DiscordChatExporter saves them: JSON, or CSV with AuthorID, Author, Date and Content."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timezone
from itertools import islice
from zoneinfo import ZoneInfo

from core.data.chat_logs.base import Hints, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing, word
from core.data.chat_logs.parsing.message_store import MessageStore
from core.data.chat_logs.parsing.times import day_comes_first, parse, zone
from core.messages import Reject, Row

_COLUMNS = frozenset({"AuthorID", "Author", "Date", "Content"})
# Kinds of written messages, by name and by Discord's number; all others are events of the channel.
_COMMANDS = ("ChatInputCommand", "ApplicationCommand", "ContextMenuCommand")
_WRITTEN = frozenset({"Default", "Reply", "ThreadStarterMessage", *_COMMANDS, "0", "19", "20", "21", "23", ""})
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_SOUNDS = (".mp3", ".ogg", ".wav", ".m4a", ".mp4", ".mov", ".webm")
_SAMPLE = 500  # rows in which the order of day and month is detected


class DiscordLog(LogFormat):
    """The messages of one channel, or of several in one archive or folder."""

    id = "discord"
    title = "Discord channel"
    text = (
        "Exported with DiscordChatExporter as JSON or CSV, one file per channel; several files as a zip or folder. "
        "A conversation ends at a long pause."
    )
    options = ("zone", "day_first", "gap_minutes", "bots")
    asker = True

    def recognizes(self, bundle: Bundle) -> bool:
        return any(_is_channel(bundle, name) for name in _files(bundle)[:5])

    def hints(self, bundle: Bundle) -> Hints:
        tables = [name for name in _files(bundle) if _is_table(bundle, name)][:1]
        dates = (text(row.fields.get("Date")) for name in tables for row in bundle.first_rows(name, _SAMPLE))
        return Hints(options=ReadOptions(day_first=day_comes_first(dates)))

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        naive, known = zone(options.zone), set[str]()
        for name in _files(bundle):
            place = name if bundle.is_archive else ""
            with MessageStore(ordered=True) as store:
                for key, row in _rows(bundle, name):
                    if isinstance(row, Reject):
                        yield Left("unreadable", row.raw, place, row.line, key)
                        continue
                    made = _turn(row, options, naive)
                    if isinstance(made, str):
                        yield Left(made, raw(dict(row.fields)), place, row.line, key)
                        continue
                    if made.speaker not in known:
                        known.add(made.speaker)
                        yield _person(row.fields, made.speaker)
                    store.add(key, made)
                yield from store.conversations(gap_minutes=options.gap_minutes, split=True, place=place)


def _files(bundle: Bundle) -> list[str]:
    return [name for name in bundle.names if not bundle.is_archive or name.lower().endswith((".json", ".csv"))]


def _is_channel(bundle: Bundle, name: str) -> bool:
    if _is_table(bundle, name):
        return True
    if bundle.head(name, 256).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return False
    rows = islice(bundle.nested(name, ((),), "messages"), 3)
    return any(
        not isinstance(row, Reject)
        and "timestamp" in row.fields
        and "id" in thing(row.fields.get("author"))
        and ("channel" in channel or "guild" in channel or "discriminator" in thing(row.fields.get("author")))
        for channel, row in rows
    )


def _is_table(bundle: Bundle, name: str) -> bool:
    return name.lower().endswith(".csv") and any(row.fields.keys() >= _COLUMNS for row in bundle.first_rows(name, 1))


def _rows(bundle: Bundle, name: str) -> Iterator[tuple[str, Row | Reject]]:
    """The messages of a file with the name of their channel."""
    if name.lower().endswith(".csv"):
        title = name.rpartition("/")[2].rpartition(".")[0]
        yield from ((title, row) for row in bundle.rows(name))
        return
    for members, row in bundle.nested(name, ((),), "messages"):
        yield f"#{text(thing(members.get('channel')).get('name')) or name}", row


def _turn(row: Row, options: ReadOptions, naive: ZoneInfo | timezone) -> Turn | str:
    fields = row.fields
    if "AuthorID" in fields:
        speaker, written = word(fields.get("AuthorID")) or text(fields.get("Author")), text(fields.get("Content"))
        date, files = fields.get("Date"), text(fields.get("Attachments")).split(",")
    else:
        author = thing(fields.get("author"))
        if word(fields.get("type")) not in _WRITTEN:
            return "event"
        if author.get("isBot") is True and not options.bots:
            return "bot"
        speaker, written = word(author.get("id")) or text(author.get("name")), text(fields.get("content"))
        date = fields.get("timestamp")
        files = [text(thing(item).get("fileName")) or "file" for item in items(fields.get("attachments"))]
        files += ["sticker.png" for _ in items(fields.get("stickers"))]
        written = written or "\n".join(filter(None, map(_embed, items(fields.get("embeds")))))
    if not speaker:
        return "no_speaker"
    notes = [_kind(name.strip().lower().partition("?")[0]) for name in files if name.strip()]
    if not written.strip():
        return "not_text" if notes else "empty"
    at = parse(date, naive=naive, day_first=bool(options.day_first))
    return Turn(speaker, written, at, row.line, (*notes, "time") if at is None else tuple(notes))


def _kind(name: str) -> str:
    return "picture" if name.endswith(_PICTURES) else "sound" if name.endswith(_SOUNDS) else "file"


def _embed(value: object) -> str:
    """The text of a card, which is all that some bots write."""
    card = thing(value)
    return "\n".join(part for key in ("title", "description") if (part := text(card.get(key))).strip())


def _person(fields: Object, speaker: str) -> Person:
    author = thing(fields.get("author"))
    name = text(author.get("nickname")) or text(author.get("name")) or text(fields.get("Author")) or speaker
    return Person(speaker, name.removesuffix("#0000"), bot=author.get("isBot") is True)
