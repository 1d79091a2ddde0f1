"""Slack's export: a folder per channel with a file per day, and users.json; threads are conversations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.data.chat_logs.base import Conversation, Left, LogFormat, LogItem, Person, ReadOptions, Turn
from core.data.chat_logs.parsing.bundle import Bundle
from core.data.chat_logs.parsing.grouping import by_pauses, in_time
from core.data.chat_logs.parsing.json_values import Object, items, raw, text, thing, word
from core.data.chat_logs.parsing.slack_text import of_blocks, plain
from core.data.chat_logs.parsing.times import parse
from core.errors import DataError
from core.messages import Reject

_DAY = re.compile(r"(?:.*/)?([^/]+)/\d{4}-\d{2}-\d{2}\.json")
_PEOPLE = ("users.json", "org_users.json", "integration_logs.json")
# Subtypes of written messages; all others are channel events.
_WRITTEN = frozenset({"", "me_message", "file_share", "thread_broadcast", "bot_message", "reply_broadcast"})
_BOT = "bot:"


class SlackLog(LogFormat):
    """The export of a workspace: the zip or folder, or one file of messages."""

    id = "slack"
    title = "Slack export"
    text = (
        "In Slack: Tools & settings → Workspace settings → Import/Export Data. Use the zip, its folder, or "
        "one channel's JSON. A thread is a conversation; messages outside threads are split at pauses."
    )
    options = ("gap_minutes", "bots")
    asker = True

    def recognizes(self, bundle: Bundle) -> bool:
        if bundle.is_archive:
            days = [name for name in bundle.names if _DAY.fullmatch(name)]
            return any(_is_message(row.fields) for name in days[:5] for row in bundle.first_rows(name, 3)) or (
                bool(days) and any(name.rpartition("/")[2] == "users.json" for name in bundle.names)
            )
        return any(_is_message(row.fields) for row in bundle.first_rows(bundle.filename, 5))

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[LogItem]:
        people = _people(bundle)
        names = {person.id: person.name for person in people.values()}
        yield from people.values()
        for channel, files in _channels(bundle).items():
            messages: list[tuple[Turn, str]] = []  # with its thread
            seen: set[tuple[str, str]] = set()
            for name in files:
                place = name if bundle.is_archive else ""
                try:
                    for row in bundle.rows(name):
                        if isinstance(row, Reject):
                            yield Left("unreadable", row.raw, place, row.line, channel)
                            continue
                        made = _turn(row.fields, row.line, names, options)
                        if isinstance(made, str):
                            yield Left(made, raw(dict(row.fields)), place, row.line, channel)
                            continue
                        mark = (word(row.fields.get("ts")), made.speaker)
                        if mark[0] and mark in seen:
                            yield Left("repeated", raw(dict(row.fields)), place, row.line, channel)
                            continue
                        seen.add(mark)
                        if made.speaker not in people:
                            people[made.speaker] = _unknown(row.fields, made.speaker)
                            names[made.speaker] = people[made.speaker].name
                            yield people[made.speaker]
                        messages.append((made, word(row.fields.get("thread_ts"))))
                except DataError as error:
                    if error.code not in ("empty_file", "json_no_rows"):  # a day without messages
                        yield Left("unreadable", f"{name}: {error.message}", place, 0, channel)
            yield from _conversations(channel, messages, options.gap_minutes * 60)


def _is_message(fields: Object) -> bool:
    if {"chat_messages", "mapping", "role", "content"} & fields.keys():
        return False
    return isinstance(fields.get("ts"), str | float | int) and bool({"text", "user", "blocks"} & fields.keys())


def _channels(bundle: Bundle) -> dict[str, list[str]]:
    """Channel -> its files in the order of days."""
    if not bundle.is_archive:
        return {bundle.filename.rpartition(".")[0] or bundle.filename: list(bundle.names)}
    found: dict[str, list[str]] = {}
    for name in bundle.names:
        if match := _DAY.fullmatch(name):
            found.setdefault(match.group(1), []).append(name)
    if not found:  # an archive of channel files without folders
        for name in bundle.names:
            base = name.rpartition("/")[2]
            if base.endswith(".json") and any(_is_message(row.fields) for row in bundle.first_rows(name, 3)):
                found.setdefault(base.removesuffix(".json"), []).append(name)
    return found


def _people(bundle: Bundle) -> dict[str, Person]:
    found: dict[str, Person] = {}
    if not bundle.is_archive:
        return found
    for name in bundle.names:
        if name.rpartition("/")[2] not in _PEOPLE[:2]:
            continue
        try:
            for row in bundle.rows(name):
                if not isinstance(row, Reject) and (key := word(row.fields.get("id"))):
                    found[key] = _person(row.fields, key)
        except DataError:  # ids serve as names; no message is lost
            continue
    return found


def _person(fields: Object, key: str) -> Person:
    profile = thing(fields.get("profile"))
    candidates = (profile.get("display_name"), profile.get("real_name"), fields.get("real_name"), fields.get("name"))
    name = next((text(value).strip() for value in candidates if text(value).strip()), key)
    gone = fields.get("deleted") is True
    return Person(key, f"{name} (deleted)" if gone else name, "", fields.get("is_bot") is True, gone)


def _unknown(message: Object, speaker: str) -> Person:
    """A speaker that is not in the list of users: a deleted account, a guest from another workspace, or a bot."""
    if speaker.startswith(_BOT):
        return Person(speaker, speaker.removeprefix(_BOT), bot=True)
    profile = thing(message.get("user_profile"))
    name = text(profile.get("display_name")) or text(profile.get("real_name")) or text(profile.get("name"))
    return Person(speaker, name or f"{speaker} (unknown)", gone=not name)


def _turn(fields: Object, line: int, names: dict[str, str], options: ReadOptions) -> Turn | str:
    kind, subtype = text(fields.get("type")), text(fields.get("subtype"))
    if "ts" not in fields and not {"text", "user", "blocks"} & fields.keys():
        return "not_a_message"
    if subtype == "tombstone" or fields.get("hidden") is True:
        return "deleted"
    if kind not in ("", "message") or subtype not in _WRITTEN:
        return "event"
    user, bot = word(fields.get("user")), word(fields.get("bot_id"))
    is_bot = subtype == "bot_message" or bool(bot)
    if is_bot and not options.bots:
        return "bot"
    name = text(fields.get("username")) or text(thing(fields.get("bot_profile")).get("name"))
    speaker = f"{_BOT}{name or bot}" if is_bot and (name or bot) else user
    if user == "USLACKBOT" and not options.bots:
        return "bot"
    if not speaker:
        return "no_speaker"
    files = items(fields.get("files")) or ([fields["file"]] if fields.get("file") else [])
    notes = ["picture" if text(thing(file).get("mimetype")).startswith("image") else "file" for file in files]
    written = plain(text(fields.get("text")), names)
    if not written.strip():
        written = of_blocks(fields, names)
    if not written.strip():
        return "not_text" if notes else "empty"
    at = parse(fields.get("ts"))
    if at is None:
        notes.append("time")
    return Turn(speaker, written, at, line, tuple(notes))


def _conversations(channel: str, messages: list[tuple[Turn, str]], gap_s: float) -> Iterator[Conversation]:
    """Threads in order of their first message; messages outside threads are split at long pauses."""
    threads: dict[str, list[Turn]] = {}
    loose: list[Turn] = []
    for turn, thread in messages:
        if thread:
            threads.setdefault(thread, []).append(turn)
        else:
            loose.append(turn)
    for number, group in enumerate(by_pauses(in_time(loose)[0], gap_s), 1):
        yield Conversation(f"{channel}/{number}", f"#{channel}", tuple(group), channel)
    for thread, turns in threads.items():
        yield Conversation(f"{channel}/thread-{thread}", f"#{channel}, thread", tuple(in_time(turns)[0]), channel)
