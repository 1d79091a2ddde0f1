"""The compatibility profile `openai_cookbook`: the seven checks of OpenAI's cookbook for chat files, and nothing else.

Source: "Data preparation and analysis for chat model fine-tuning" in OpenAI's cookbook. For every line:

    data_type                          the line is not a JSON object
    missing_messages_list              there are no `messages`, or they are empty
    message_missing_key                a message without `role` or `content`
    message_unrecognized_key           a key other than role, content, name, function_call, weight
    unrecognized_role                  a role other than system, user, assistant, function
    missing_content                    content that is not text, or empty without a function call
    example_missing_assistant_message  no assistant message

A line counts as often as it fails: two messages without content are two findings. Lines that the cookbook's own code
stops at with an exception (not JSON at all, messages that are not objects) are named `unreadable`, beside the seven.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from core.data.quality.line_chunks import PROCESSES, LineChunk, map_chunks
from core.data.quality.validation import LINE

CHECKS = (
    "data_type", "missing_messages_list", "message_missing_key", "message_unrecognized_key", "unrecognized_role",
    "missing_content", "example_missing_assistant_message",
)  # fmt: skip
UNREADABLE = "unreadable"
_KEYS = ("role", "content", "name", "function_call", "weight")
_ROLES = ("system", "user", "assistant", "function")
_BLANK = re.compile(rb"[ \t\r\n]*")
_FIRST = re.compile(rb'\{[ \t]*"messages"[ \t]*:[ \t]*\[[ \t]*\{[ \t]*"')


@dataclass(frozen=True, slots=True)
class LineFinding:
    """One check that one line failed, once. `line` is physical and 1-based."""

    line: int
    check: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the profile says about a file. `read`: lines that are not blank."""

    read: int
    findings: tuple[LineFinding, ...]

    def counts(self) -> dict[str, int]:
        """How often each check failed; only those that did."""
        names = [found.check for found in self.findings]
        return {check: names.count(check) for check in (*CHECKS, UNREADABLE) if check in names}


class _Sound(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message that passes every check by itself."""

    role: Literal["system", "user", "assistant", "function"]
    content: Annotated[str, msgspec.Meta(min_length=1)]
    name: str | None = None
    weight: Literal[0, 1] | None = None


class _SoundLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: Annotated[list[_Sound], msgspec.Meta(min_length=1)]


_DECODER = msgspec.json.Decoder(_SoundLine)
_messages, _role = attrgetter("messages"), attrgetter("role")


def check_file(path: Path, *, processes: int = PROCESSES) -> Report:
    """Check a file of chat lines, in two processes where it is large.

    Raises:
        NotByChunks: a line is longer than the studio reads.
    """
    with path.open("rb") as stream:
        mark = stream.read(3) == codecs.BOM_UTF8
    findings: list[LineFinding] = []
    before = read = 0
    for part in map_chunks(path, _look, start=3 if mark else 0, processes=processes):
        findings += [LineFinding(before + line, check) for line, check in part.findings]
        before, read = before + part.lines, read + part.read
    return Report(read, tuple(findings))


def _failed(example: Any) -> Iterator[str]:
    if not isinstance(example, dict):
        yield "data_type"
        return
    messages = example.get("messages")
    if not messages:
        yield "missing_messages_list"
        return
    for message in messages:
        if "role" not in message or "content" not in message:
            yield "message_missing_key"
        if any(key not in _KEYS for key in message):
            yield "message_unrecognized_key"
        if message.get("role") not in _ROLES:
            yield "unrecognized_role"
        content, call = message.get("content"), message.get("function_call")
        if (not content and not call) or not isinstance(content, str):
            yield "missing_content"
    if not any(message.get("role") == "assistant" for message in messages):
        yield "example_missing_assistant_message"


@dataclass(slots=True)
class _Part:
    """What was found in a chunk; lines are counted from its first."""

    lines: int
    read: int
    findings: list[tuple[int, str]] = field(default_factory=list)


def _look(chunk: LineChunk) -> _Part:
    return _bulk(chunk.lines) or _line_by_line(chunk.lines)


def _bulk(data: bytes) -> _Part | None:
    """The complete chunk at once; None unless every line passes every check."""
    first = _FIRST.match(data)
    if first is None or b"\r" in data:
        return None
    try:
        examples = list(map(_messages, _DECODER.decode_lines(data)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    count = len(examples)
    if _lines_beginning(data, first.group()) != count:
        return None
    if not all("assistant" in map(_role, example) for example in examples):
        return None
    return _Part(count, count)


def _lines_beginning(data: bytes, start: bytes) -> int:
    """How many lines there are, where all of them begin with `start`; else -1."""
    count, end, last = 1, data.find(b"\n"), len(data) - 1
    while -1 < end < last:
        if not data.startswith(start, end + 1):
            return -1
        count += 1
        end = data.find(b"\n", end + 1)
    return count


def _line_by_line(data: bytes) -> _Part:
    part = _Part(0, 0)
    for number, match in enumerate(LINE.finditer(data), start=1):
        line = match.group()
        part.lines = number
        if _BLANK.fullmatch(line):
            continue
        part.read += 1
        try:
            messages = _DECODER.decode(line).messages
            sound = "assistant" in map(_role, messages)
        except (msgspec.DecodeError, UnicodeDecodeError):
            sound = False
        if not sound:
            part.findings += [(number, check) for check in _exact(line)]
    return part


def _exact(line: bytes) -> list[str]:
    """The checks that one line fails, in the order in which the cookbook counts them."""
    try:
        return list(_failed(json.loads(line.decode("utf-8"))))
    except (ValueError, RecursionError, AttributeError, TypeError):
        return [UNREADABLE]
