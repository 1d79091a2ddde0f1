"""WhatsApp's *Export chat*: a text file, alone or in a zip, as iOS and Android write it in many languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timezone
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from core.data.chat_logs.base import Hints, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.message_store import MessageStore
from core.data.chat_logs.parsing.times import day_comes_first, parse, zone

_MARKS = "\u200e\u200f\u202a\u202c\ufeff"
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{4}년 \d{1,2}월 \d{1,2}일|\d{4}年\d{1,2}月\d{1,2}日"
_WHEN = (
    rf"(?P<day>{_DATE})[,.]?(?P<between>\s(?:\w{{1,5}}\s)?|\s?[^\W\d_]{{2,3}}\s?)"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?P<half>\s?[apAP]\.?\s?[mM]\.?)?"
)
_IOS = re.compile(rf"[{_MARKS}]*\[{_WHEN}\] ?(?P<rest>.*)", re.DOTALL)
_ANDROID = re.compile(rf"[{_MARKS}]*{_WHEN} [-–] (?P<rest>.*)", re.DOTALL)
_NAMED = re.compile(r"([^:\n\"“„«”]{1,100}?):(?: (.*)|$)", re.DOTALL)
# "Media omitted" is in angle brackets on Android in every language; iOS marks its words with U+200E.
_OMITTED = re.compile(r"<[^<>\n]{3,200}>")
_IOS_OMITTED = re.compile(
    r"(?P<what>.{2,40}?) (?:omitted|weggelassen|absente?|omise?|omitid[oa]|omess[oa]|ocultad[oa]|weggelaten|utelämnad|"
    r"udeladt|utelatt|pominięto|не прикреплен[оа]?)\.?",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"(?P<name>\S[^\n]{0,200}\.\w{2,5}) \([^()\n]{3,40}\)(?:\n|$)")
_EDITED = re.compile(
    r"<(?:This message was edited|Diese Nachricht wurde bearbeitet|Ce message a été modifié|Se editó este mensaje|"
    r"Questo messaggio è stato modificato|Mensagem editada|Dit bericht is bewerkt)\.?>$"
)
_DELETED = re.compile(
    r"(?:This message was deleted|You deleted this message|Diese Nachricht wurde gelöscht|Du hast diese Nachricht "
    r"gelöscht|Ce message a été supprimé|Vous avez supprimé ce message|Se eliminó este mensaje|Eliminaste este mensaje|"
    r"Este mensaje fue eliminado|Questo messaggio è stato eliminato|Hai eliminato questo messaggio|Esta mensagem foi "
    r"apagada|Você apagou esta mensagem|Mensagem apagada|Dit bericht is verwijderd|U heeft dit bericht verwijderd)\.?"
)
_PICTURE = re.compile(r"IMG|sticker|photo|\.(?:gif|jpe?g|png|webp)$", re.IGNORECASE)
_SOUND = re.compile(r"AUD|VID|PTT|\.(?:opus|mp3|m4a|mp4|mov|3gp|aac|ogg)$", re.IGNORECASE)
_SEEN_LINES = 50  # at the beginning of a file, to recognize it
_SAMPLE = 20_000  # lines in which the order of day and month is detected


class WhatsAppLog(LogFormat):
    """The text of one chat, or several in one archive."""

    id = "whatsapp"
    title = "WhatsApp chat"
    text = (
        "In a chat: ⋮ or the name → Export chat. Use the zip or its text file, from iOS or Android, in any language. "
        "A conversation ends at a long pause."
    )
    options = ("zone", "day_first", "gap_minutes")
    asker = True

    def recognizes(self, bundle: Bundle) -> bool:
        return any(_is_chat(bundle, name) for name in _files(bundle)[:20])

    def hints(self, bundle: Bundle) -> Hints:
        files = [name for name in _files(bundle) if _is_chat(bundle, name)][:1]
        days = [head["day"] + (head["half"] or "") for name in files for head in _heads(bundle, name)]
        return Hints(options=ReadOptions(day_first=_day_first(days)))

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        known: set[str] = set()
        clock = _Clock(zone(options.zone), bool(options.day_first))
        for name in _files(bundle):
            if bundle.is_archive and not _is_chat(bundle, name):
                continue
            place = name if bundle.is_archive else ""
            key = _title(name, bundle)
            with MessageStore(ordered=True) as store:
                for record in _records(bundle, name):
                    made = _turn(record, clock)
                    if isinstance(made, str):
                        yield Left(made, record.raw, place, record.line, key)
                        continue
                    if made.speaker not in known:
                        known.add(made.speaker)
                        yield Person(made.speaker, made.speaker)
                    store.add(key, made)
                yield from store.conversations(gap_minutes=options.gap_minutes, split=True, place=place)


@dataclass(slots=True)
class _Record:
    """A message with its further lines; `head` is None for lines before the first message."""

    line: int
    head: re.Match[str] | None
    lines: list[str] = field(default_factory=list)

    @property
    def raw(self) -> str:
        """The record as it is in the file."""
        return "".join(self.lines).rstrip("\r\n")


class _Clock:
    """The times of messages; each hour is parsed once."""

    def __init__(self, naive: ZoneInfo | timezone, day_first: bool) -> None:
        self._hour = lru_cache(maxsize=4096)(lambda text: parse(text, naive=naive, day_first=day_first))

    def at(self, head: re.Match[str]) -> float | None:
        """Unix seconds of a message."""
        half = (head["half"] or "").strip()
        between = "".join(c for c in head["between"] if not c.isascii()).strip()  # 오후, 下午
        hour = self._hour(f"{head['day']} {between} {head['hour']}:00 {half}".strip())
        return None if hour is None else hour + int(head["minute"]) * 60 + int(head["second"] or 0)


def _head(line: str) -> re.Match[str] | None:
    return _IOS.match(line) or _ANDROID.match(line) if line[:1].isdigit() or line[:1] in f"[{_MARKS}" else None


def _records(bundle: Bundle, name: str) -> Iterator[_Record]:
    """Every message with its further lines; lines before the first one are separate records."""
    current: _Record | None = None
    for line in bundle.lines(name):
        head = _head(line.text)
        if head or current is None:
            if current:
                yield current
            if head or line.text.strip():
                current = _Record(line.number, head, [line.text])
                if not head:
                    yield current
                    current = None
        else:
            current.lines.append(line.text)
    if current:
        yield current


def _turn(record: _Record, clock: _Clock) -> Turn | str:
    if record.head is None:
        return "not_a_message"
    rest = record.head["rest"] + "".join(record.lines[1:])
    named = _NAMED.match(rest)
    if named is None:
        return "event"
    speaker, written = named[1].strip(_MARKS + " ~\u202f\xa0"), (named[2] or "").replace("\r\n", "\n").rstrip("\r\n")
    marked, plain = written[:1] == "\u200e", written.strip(_MARKS + " \n")
    if not speaker:
        return "no_speaker"
    if not plain:
        return "empty"
    if _DELETED.fullmatch(plain):
        return "deleted"
    if _OMITTED.fullmatch(plain) or plain == "null" or (marked and _IOS_OMITTED.fullmatch(plain)):
        return "not_text"
    notes: tuple[str, ...] = ()
    if attached := _ATTACHED.match(plain):
        kind = attached["name"]
        notes = ("picture" if _PICTURE.search(kind) else "sound" if _SOUND.search(kind) else "file",)
        plain = plain[attached.end() :].strip()
        if not plain:
            return "not_text"
    elif marked:
        return "event"  # "Ann added you", under the name of the group
    plain = _EDITED.sub("", plain.replace("\u200e", "")).strip()
    at = clock.at(record.head)
    return Turn(speaker, plain, at, record.line, notes if at is not None else (*notes, "time"))


def _files(bundle: Bundle) -> list[str]:
    return [name for name in bundle.names if not bundle.is_archive or name.lower().endswith(".txt")]


def _is_chat(bundle: Bundle, name: str) -> bool:
    if bundle.head(name, 4).startswith((b"PK\x03\x04", b"PAR1", b"{")):
        return False
    lines = [line.text for line in islice(bundle.lines(name), _SEEN_LINES) if line.text.strip(_MARKS + "\r\n ")]
    heads = [head for line in lines if (head := _head(line))]
    return bool(lines) and _head(lines[0]) is not None and any(_NAMED.match(head["rest"]) for head in heads)


def _heads(bundle: Bundle, name: str) -> Iterator[re.Match[str]]:
    return (head for line in islice(bundle.lines(name), _SAMPLE) if (head := _head(line.text)))


def _day_first(days: list[str]) -> bool:
    """Whether the day is first: by a day above 12, else by which reading ascends, else by the clock of the phone."""
    known = day_comes_first(days)
    if known is not None:
        return known
    down = {}
    for day_first in (True, False):
        times = [parse(day.rstrip("aApPmM. \u202f\xa0"), day_first=day_first) or 0.0 for day in dict.fromkeys(days)]
        down[day_first] = sum(after < before for before, after in pairwise(times))
    if down[True] != down[False]:
        return down[True] < down[False]
    american = any(day[-2:] == "PM" or day[-2:] == "AM" for day in days) and not any(day[:1] == "0" for day in days)
    return not american


def _title(name: str, bundle: Bundle) -> str:
    """The name of the chat: iOS calls each file `_chat.txt` and names the archive."""
    own = name.rpartition("/")[2].rpartition(".")[0]
    title = bundle.filename.rpartition(".")[0] if own == "_chat" and bundle.is_archive else own
    return title or name
