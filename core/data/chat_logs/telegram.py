"""Telegram Desktop's export as JSON: `result.json` of one chat, or of the whole account."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from core.data.chat_logs.base import Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.json_values import Object, raw, text, thing, word
from core.data.chat_logs.parsing.message_store import MessageStore
from core.data.chat_logs.parsing.times import parse, zone
from core.messages import Reject

_PLACES = ((), ("chats", "list"), ("left_chats", "list"))  # where chats are in the document
_PICTURES = frozenset({"sticker", "animation"})
_SOUNDS = frozenset({"voice_message", "video_message", "video_file", "audio_file"})


class TelegramLog(LogFormat):
    """The messages of one or all chats of an account."""

    id = "telegram"
    title = "Telegram export"
    text = (
        "In Telegram Desktop: a chat → ⋮ → Export chat history, or Settings → Advanced → Export Telegram data, as "
        "machine-readable JSON. Use result.json or its folder. A conversation ends at a long pause."
    )
    options = ("zone", "gap_minutes")
    asker = True

    def recognizes(self, bundle: Bundle) -> bool:
        return any(_is_export(bundle, name) for name in _files(bundle)[:5])

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        naive = zone(options.zone)
        known: set[str] = set()
        for name in _files(bundle):
            place = name if bundle.is_archive else ""
            with MessageStore(ordered=True) as store:
                for chat, row in bundle.nested(name, _PLACES, "messages"):
                    key = text(chat.get("name")) or text(chat.get("type")) or word(chat.get("id")) or name
                    if isinstance(row, Reject):
                        yield Left("unreadable", row.raw, place, row.line, key)
                        continue
                    made = _turn(row.fields, row.line, naive)
                    if isinstance(made, str):
                        yield Left(made, raw(dict(row.fields)), place, row.line, key)
                        continue
                    if made.speaker not in known:
                        known.add(made.speaker)
                        called = text(row.fields.get("from"))
                        yield Person(made.speaker, called or "Deleted account", gone=not called)
                    store.add(f"{key} ({word(chat.get('id'))})" if chat.get("id") else key, made)
                yield from store.conversations(gap_minutes=options.gap_minutes, split=True, place=place)


def _files(bundle: Bundle) -> list[str]:
    return [name for name in bundle.names if not bundle.is_archive or name.rpartition("/")[2].endswith(".json")]


def _is_export(bundle: Bundle, name: str) -> bool:
    if bundle.head(name, 256).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return False
    rows = islice(bundle.nested(name, _PLACES, "messages"), 5)
    return any(
        not isinstance(row, Reject)
        and {"id", "type", "date"} <= row.fields.keys()
        and bool({"from_id", "actor_id", "text_entities", "date_unixtime"} & row.fields.keys())
        for _, row in rows
    )


def _turn(fields: Object, line: int, naive: object) -> Turn | str:
    kind = text(fields.get("type"))
    if kind == "service":
        return "event"
    if kind != "message":
        return "not_a_message"
    speaker = word(fields.get("from_id")) or text(fields.get("from"))
    if not speaker:
        return "no_speaker"
    notes = _notes(fields)
    written = _text(fields.get("text"))
    if not written.strip():
        return "not_text" if notes else "empty"
    at = parse(fields.get("date_unixtime"))
    if at is None:
        at = parse(fields.get("date"), naive=naive)  # type: ignore[arg-type]
    if at is None:
        notes.append("time")
    return Turn(speaker, written, at, line, tuple(notes))


def _text(value: object) -> str:
    """A text, or a list of texts and of entities such as links and mentions."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    parts = []
    for part in value:
        if isinstance(part, str):
            parts.append(part)
            continue
        entity = thing(part)
        shown, target = text(entity.get("text")), text(entity.get("href"))
        parts.append(f"{shown} ({target})" if target and target != shown else shown)
    return "".join(parts)


def _notes(fields: Object) -> list[str]:
    """What a message has besides its text."""
    media = text(fields.get("media_type"))
    if fields.get("photo") or media in _PICTURES:
        return ["picture"]
    if media in _SOUNDS:
        return ["sound"]
    if fields.get("file"):
        return ["file"]
    if any(
        fields.get(key) for key in ("poll", "location_information", "contact_information", "game_title", "media_type")
    ):
        return ["other_part"]
    return []
