"""Structural validation of chat JSONL at the speed of the disk: the same findings as row by row, found in bulk.

A chunk of lines is decoded into typed messages at once, and whole-chunk scans answer what the decoder does not: control
tokens, invisible characters, suspicious escapes, keys that stand twice. Whatever is not plainly sound goes, line by
line, the exact way (formats.jsonl, then the caller's `accept`), so nothing is decided twice and nothing is lost.

Why bytes can be searched for keys: inside a JSON string every quote is escaped, so `"role"` with two bare quotes is a
whole string. As many of them as messages means that no message has two roles; one that is written with escapes
(`"\\u0072ole"`) is caught by the search for escapes of plain characters.
"""

from __future__ import annotations

import codecs
import json
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, filterfalse
from operator import attrgetter
from pathlib import Path
from typing import Literal

import msgspec

from core.findings import CODES
from core.formats.jsonl import MAX_WASTED, LineSource, record
from core.formats.text import Line
from core.messages import Example, Finding, Reject, Row
from core.quality import structure
from core.quality.line_chunks import PROCESSES, Chunk, NotByChunks, map_chunks

_MARK_DAMAGE = "studio_escape"  # registered by core.formats.text: a bad byte stays recognisable
_MAX_CHARACTERS = structure.OVER_LENGTH_TOKENS * structure.CHARACTERS_PER_TOKEN

# They may find too much (the beginning of a token), never too little: what they find is looked at the exact way.
_TOKEN = re.compile(
    rb"<(?:\||\xef\xbd\x9c|(?:\\?/)?s>|<(?:\\?/)?SYS|start_of|end_of_|bos>|eos>|pad>|unk>|mask>|\\u)|"
    rb"\[(?:(?:\\?/)?(?:INST|AVAI|TOOL|SYST)|\\u)"
)
# Escapes of NUL and of what keys and tokens are made of (others are of no account: texts are looked at decoded).
_ESCAPE = re.compile(rb"\\u(?:00(?:00|2[fF]|[3-7]))")
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
FIRST = re.compile(rb'\{[ \t]*"messages"[ \t]*:[ \t]*\[[ \t]*\{[ \t]*"')


class _Plain(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """A message with nothing but role and content."""

    role: Literal["system", "user", "assistant"]
    content: str


class _PlainLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    messages: tuple[_Plain, ...]


_DECODER = msgspec.json.Decoder(_PlainLine)
_role = attrgetter("role")
_content = attrgetter("content")
_messages = attrgetter("messages")


@dataclass(frozen=True, slots=True)
class ChunkReport:
    """What was found in one chunk of lines. Lines are counted from the chunk's first until `placed` puts them right.

    Attributes:
        lines: physical lines in the chunk.
        read, rejected: rows. unreadable: rejected ones of which nothing could be read at all.
        keys: of the accepted examples, 64 bits each, the same for the same messages. at: the line of each.
        masked: accepted examples in which no assistant message carries loss.
        wasted: characters that were looked at ahead in vain, to find the end of an object.
    """

    lines: int
    read: int = 0
    rejected: int = 0
    unreadable: int = 0
    masked: int = 0
    findings: tuple[Finding, ...] = ()
    keys: array[int] = field(default_factory=lambda: array("q"))
    at: Sequence[int] = ()
    wasted: int = 0

    def placed(self, before: int) -> ChunkReport:
        """The same with lines of the file: `before` lines stand in front of the chunk."""
        moved = tuple(replace(item, line=item.line + before if item.line else item.line) for item in self.findings)
        at = range(self.at.start + before, self.at.stop + before) if isinstance(self.at, range) else None
        return replace(self, findings=moved, at=at or array("q", [line + before for line in self.at]))


Accept = Callable[[Row], structure.Checked]


def check_lines(
    path: Path, accept: Accept, *, codec: str = "utf-8", processes: int = PROCESSES
) -> Iterator[ChunkReport]:
    """Check a file of chat lines; a report per chunk, in order, with the lines of the file.

    Args:
        accept: what becomes of a row (its messages parsed and checked).
        codec: utf-8, or utf-8-sig where the file begins with a byte order mark.

    Raises:
        NotByChunks: while iterating, where rows reach over chunks or are too long: read the file row by row.
    """

    def look(chunk: Chunk) -> ChunkReport:
        return check_chunk(chunk, accept, codec=codec)

    wasted = 0
    before, start = 0, len(codecs.BOM_UTF8) if codec == "utf-8-sig" else 0
    for report in map_chunks(path, look, start=start, processes=processes):
        yield report.placed(before)
        before += report.lines
        wasted += report.wasted
        if wasted >= MAX_WASTED:  # from here on the reader would not look ahead any more
            raise NotByChunks


def check_chunk(chunk: Chunk, accept: Accept, *, codec: str = "utf-8") -> ChunkReport:
    """Check the lines of one chunk."""
    return _bulk(chunk, _Notes(accept, codec)) or _line_by_line(chunk, _Notes(accept, codec))


def _bulk(chunk: Chunk, notes: _Notes) -> ChunkReport | None:
    """The whole chunk at once; None where its lines are not all written the same plain way."""
    data = chunk.lines
    first = FIRST.match(data)
    if first is None or b"\r" in data or _ESCAPE.search(data):  # a key written with escapes would spoil the counts
        return None
    try:
        decoded = _DECODER.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    examples = list(map(_messages, decoded))
    everything = list(chain.from_iterable(examples))
    # Every line begins with an object whose first list holds an object: a second "messages" would leave roles over.
    count = len(examples)
    if (
        lines_beginning(data, first.group()) != count
        or data.count(b'"role"') != len(everything)
        or data.count(b'"content"') != len(everything)
    ):
        return None
    odd = _odd(examples, everything, long=_may_be_long(data))
    hits = _suspicious(data)
    if not odd and not hits:
        return ChunkReport(count, count, keys=array("q", map(hash, examples)), at=range(1, count + 1))
    lines = data.split(b"\n")
    odd.update(_lines_of(hits, lines))
    at = chunk.offset
    for index in range(count):
        if index in odd:
            notes.exact(lines[index], index + 1, at, iter(()))  # it is JSON: nothing of it is on the next line
        else:
            notes.sound(examples[index], index + 1)
        at += len(lines[index]) + 1
    return notes.report(count)


def lines_beginning(data: bytes, start: bytes) -> int:
    """How many lines there are, where all of them begin with `start`; else -1."""
    count, end, last = 1, data.find(b"\n"), len(data) - 1
    while -1 < end < last:
        if not data.startswith(start, end + 1):
            return -1
        count += 1
        end = data.find(b"\n", end + 1)
    return count


def _may_be_long(data: bytes) -> bool:
    """Whether a line may have more than _MAX_CHARACTERS: it would cover one of these windows whole."""
    half = _MAX_CHARACTERS // 2
    return any(data.find(b"\n", start, start + half) < 0 for start in range(0, len(data), half))


def _odd(examples: list[tuple[_Plain, ...]], everything: list[_Plain], *, long: bool) -> set[int]:
    """Indexes of the examples that need a closer look.

    Turns out of order, a blank message, an invisible character, and, where that may be (`long`), too much text.
    """
    odd = {index for index, example in enumerate(examples) if not _TURNS[tuple(map(_role, example))]}
    texts = list(map(_content, everything))
    if not all(texts) or any(map(str.isspace, texts)):
        odd.update(index for index, example in enumerate(examples) if not all(m.content.strip() for m in example))
    if structure.INVISIBLE.search("".join(filterfalse(str.isascii, texts))):
        odd.update(i for i, e in enumerate(examples) if structure.INVISIBLE.search("".join(map(_content, e))))
    if long:
        odd.update(i for i, e in enumerate(examples) if sum(map(len, map(_content, e))) > _MAX_CHARACTERS)
    return odd


class _Turns(dict[tuple[str, ...], bool]):
    """Whether an order of roles is sound, asked once for each order that occurs."""

    def __missing__(self, roles: tuple[str, ...]) -> bool:
        checked = structure.parse([{"role": role, "content": "x"} for role in roles])
        self[roles] = sound = checked.example is not None and not checked.findings
        return sound


_TURNS = _Turns()


def _suspicious(data: bytes) -> list[int]:
    """Where control tokens may begin, and where escapes stand for plain characters; ascending."""
    hits = [match.start() for match in _ESCAPE.finditer(data)]
    # Searching for one byte is many times faster than searching for a pattern.
    for opening in (b"<", b"["):
        at = data.find(opening)
        while at >= 0:
            if _TOKEN.match(data, at):
                hits.append(at)
            at = data.find(opening, at + 1)
    return sorted(hits)


def _lines_of(positions: list[int], lines: list[bytes]) -> Iterator[int]:
    """The index of the line that each position (ascending) lies in."""
    index, end = 0, len(lines[0]) + 1
    for position in positions:
        while position >= end:
            index += 1
            end += len(lines[index]) + 1
        yield index


def _line_by_line(chunk: Chunk, notes: _Notes) -> ChunkReport:
    spans = [match.span() for match in LINE.finditer(chunk.lines)]
    index = 0
    while index < len(spans):
        start, end = spans[index]
        line = chunk.lines[start:end]
        index += 1
        example = _plain(line)
        if example is not None:
            notes.sound(example, index)
            continue
        index += notes.exact(line, index, chunk.offset + start, _following(chunk, spans, index))
        if index > len(spans):  # it reaches into the next chunk, which somebody else is looking at
            raise NotByChunks
    return notes.report(len(spans))


def _following(chunk: Chunk, spans: Sequence[tuple[int, int]], index: int) -> Iterator[Line]:
    """The lines from `index` on, and those behind the chunk as far as they are known."""
    for number in range(index, len(spans)):
        start, end = spans[number]
        yield Line(number + 1, chunk.offset + start, _text(chunk.lines[start:end]))
    for number, match in enumerate(LINE.finditer(chunk.after), start=len(spans) + 1):
        if match.end() == len(chunk.after) and not chunk.complete:
            break
        yield Line(number, chunk.offset + len(chunk.lines) + match.start(), _text(match.group()))
    if not chunk.complete:
        raise NotByChunks


def _text(line: bytes) -> str:
    return line.decode("utf-8", _MARK_DAMAGE)


class _Notes:
    """What has been found in a chunk so far."""

    def __init__(self, accept: Accept, codec: str) -> None:
        self._accept, self._codec = accept, codec
        self._read = self._rejected = self._unreadable = self._masked = self._wasted = 0
        self._findings: list[Finding] = []
        self._keys, self._at = array("q"), array("q")

    def sound(self, example: tuple[_Plain, ...], number: int) -> None:
        """Take in an example in which nothing was found."""
        self._read += 1
        self._keys.append(hash(example))
        self._at.append(number)

    def exact(self, raw: bytes, number: int, offset: int, following: Iterator[Line]) -> int:
        """Take in a line as reading row by row would; gives the number of further lines that belong to it."""
        text = _text(raw)
        if not text.strip(" \t\r\n"):
            return 0
        self._read += 1
        looked: list[Line] = []
        source = LineSource(looked.append(line) or line for line in following)  # type: ignore[func-returns-value]
        source.wasted = self._wasted
        row = record(source, Line(number, offset, text), self._codec)
        self._wasted = source.wasted
        checked = structure.Checked(None, row.findings) if isinstance(row, Reject) else self._accept(row)
        findings, example = checked.findings, checked.example
        self._findings.extend(findings)
        if example is None:
            self._rejected += 1
            self._unreadable += all(CODES[found.code].unreadable for found in findings)
        else:
            self._keys.append(key_of(example))
            self._at.append(number)
            self._masked += is_masked(example)
        return len(looked) - source.waiting

    def report(self, lines: int) -> ChunkReport:
        return ChunkReport(
            lines,
            self._read,
            self._rejected,
            self._unreadable,
            self._masked,
            tuple(self._findings),
            self._keys,
            self._at,
            self._wasted,
        )


def key_of(example: Example) -> int:
    """64 bits that are the same for examples whose messages are the same (see quality.set_keys)."""
    if all(
        m.weight is None and m.name is None and not m.tool_calls and m.tool_call_id is None for m in example.messages
    ):
        return hash(tuple(_Plain(m.role, m.content) for m in example.messages))  # type: ignore[arg-type]
    return hash(json.dumps([message.to_dict() for message in example.messages], sort_keys=True))


def is_masked(example: Example) -> bool:
    """Whether no assistant message carries loss."""
    return all(message.weight == 0 for message in example.messages if message.role == "assistant")


def _plain(line: bytes) -> tuple[_Plain, ...] | None:
    """The messages of one line that is plainly sound; None where that takes a closer look."""
    if _suspicious(line) or line.count(b'"messages"') != 1:
        return None
    try:
        example = _DECODER.decode(line).messages
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if line.count(b'"role"') != len(example) or line.count(b'"content"') != len(example):
        return None
    return None if _odd([example], list(example), long=len(line) > _MAX_CHARACTERS) else example
