"""Structural validation of chat JSONL in bulk, with the same findings as row by row.

A chunk of lines is decoded into typed messages at once, and scans of the chunk (line_scan) answer what the decoder does
not: duplicate keys, special tokens, invisible characters, suspicious escapes. Lines that are not plainly valid are
checked exactly, one by one (formats.jsonl, then the caller's `accept`), so nothing is decided twice or lost.
Where the decoder refuses a chunk, each of its lines is decoded separately, and the scans see those it accepts.
"""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from core.data.examples.identity import (
    PLAIN_MESSAGES,
    AssistantMessage,
    PlainMessage,
    SystemMessage,
    UserMessage,
    decoded_key,
    decoded_keys,
)
from core.data.examples.lengths import MAX_SEQ_LENGTH
from core.data.examples.sets import is_masked
from core.data.formats.jsonl import BLANK, MAX_WASTED, LineSource, record
from core.data.formats.parsing.text import Line
from core.data.issues import ISSUES
from core.data.quality import structure
from core.data.quality.line_chunks import PROCESSES, LineChunk, NotByChunks, map_chunks
from core.data.quality.line_scan import LineScan
from core.messages import SPLITS, Finding, Reject, Row
from core.text import CHARACTERS_PER_TOKEN

Numbers = Any  # a one-dimensional numpy array of integers

_MARK_DAMAGE = "studio_escape"  # registered by core.data.formats.parsing.text: a bad byte remains recognizable
_MAX_CHARACTERS = MAX_SEQ_LENGTH * CHARACTERS_PER_TOKEN

LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class _PlainLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    messages: tuple[SystemMessage | UserMessage | AssistantMessage, ...]


_Example = tuple[PlainMessage, ...]
_DECODER = msgspec.json.Decoder(_PlainLine)
_SYSTEM, _USER, _ASSISTANT = _KINDS = range(3)
_KIND_OF: dict[type, int] = dict(zip((SystemMessage, UserMessage, AssistantMessage), _KINDS, strict=True))
_ROLE_OF: dict[type, str] = {kind: role for role, kind in PLAIN_MESSAGES.items()}
_content = attrgetter("content")
_messages = attrgetter("messages")


@dataclass(frozen=True, slots=True)
class ChunkReport:
    """What was found in one chunk of lines. Lines are counted from the chunk's first until `placed` corrects them.

    Attributes:
        lines: physical lines in the chunk.
        read, rejected: rows. unreadable: rejected ones of which nothing could be read at all.
        keys: of the accepted examples, 64 bits each, the same for the same messages. at: the line of each.
        splits: of the accepted examples, as indexes of SPLITS; empty where all are for training.
        masked: accepted examples in which no assistant message carries loss.
        marks: lines that begin with a byte order mark, except the first one of the file.
        wasted: characters read ahead in vain to find the end of an object.
    """

    lines: int
    read: int = 0
    rejected: int = 0
    unreadable: int = 0
    masked: int = 0
    findings: tuple[Finding, ...] = ()
    keys: array[int] = field(default_factory=lambda: array("q"))
    at: Sequence[int] = ()
    splits: bytes = b""
    marks: int = 0
    wasted: int = 0

    def placed(self, before: int) -> ChunkReport:
        """The same with lines of the file: `before` lines precede the chunk."""
        moved = tuple(replace(item, line=item.line + before if item.line else item.line) for item in self.findings)
        at = range(self.at.start + before, self.at.stop + before) if isinstance(self.at, range) else None
        return replace(self, findings=moved, at=at or array("q", [line + before for line in self.at]))


Accept = Callable[[Row], structure.ParsedExample]


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

    def look(chunk: LineChunk) -> ChunkReport:
        return _whole(chunk, accept, codec) or _by_lines(chunk, accept, codec)

    wasted = 0
    before, start = 0, len(codecs.BOM_UTF8) if codec == "utf-8-sig" else 0
    for report in map_chunks(path, look, start=start, processes=processes):
        yield report.placed(before)
        before += report.lines
        wasted += report.wasted
        if wasted >= MAX_WASTED:  # from here on the reader would no longer look ahead
            raise NotByChunks


def _whole(chunk: LineChunk, accept: Accept, codec: str) -> ChunkReport | None:
    """The complete chunk at once; None where the decoder refuses a line, or a line is not one value."""
    data = chunk.lines
    try:
        examples = list(map(_messages, _DECODER.decode_lines(data)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not examples or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):  # a line that ends at CR alone
        return None
    scan = LineScan(data)
    if not scan.one_value_each(len(examples)):
        return None
    odd = _odd(examples, scan)
    if not odd:
        count = len(examples)
        return ChunkReport(count, count, keys=array("q", decoded_keys(examples)), at=range(1, count + 1))
    return _report(chunk, accept, codec, [*scan.starts.tolist(), len(data)], examples, odd)


def _by_lines(chunk: LineChunk, accept: Accept, codec: str) -> ChunkReport:
    """Each line decoded by itself; what the decoder refuses is odd, the others are scanned together."""
    lines = chunk.lines.splitlines(keepends=True)
    examples: list[_Example] = []
    sound: list[int] = []
    for index, line in enumerate(lines):
        try:
            examples.append(_DECODER.decode(line).messages)
            sound.append(index)
        except (msgspec.DecodeError, UnicodeDecodeError):
            examples.append(())
    odd = set(range(len(lines))).difference(sound)
    if sound:
        scan = LineScan(b"\n".join([lines[index].rstrip(b"\r\n") for index in sound]))
        odd.update(sound[place] for place in _odd([examples[index] for index in sound], scan))
    starts = list(accumulate(map(len, lines), initial=0))
    return _report(chunk, accept, codec, starts, examples, odd)


def _odd(examples: list[_Example], scan: LineScan) -> set[int]:
    """Indexes of the examples that need a closer look.

    Duplicate keys, turns out of order, a blank message, too much text, and what else the scan suspects.
    """
    counts = np.fromiter(map(len, examples), np.int64, len(examples))
    odd = set(scan.suspicious()).union(scan.with_keys_twice(counts))
    messages = list(chain.from_iterable(examples))
    kinds = np.frombuffer(bytes(map(_KIND_OF.__getitem__, map(type, messages))), np.uint8)
    for index in np.flatnonzero(~by_turns(kinds, counts)).tolist():
        if not structure.is_sound(tuple(_ROLE_OF[type(message)] for message in examples[index])):
            odd.add(index)
    texts = list(map(_content, messages))
    if not all(texts) or any(map(str.isspace, texts)):
        blank = [place for place, text in enumerate(texts) if not text or text.isspace()]
        odd.update(np.searchsorted(counts.cumsum(), blank, side="right").tolist())
    for index in scan.longer_than(_MAX_CHARACTERS):
        if sum(len(message.content) for message in examples[index]) > _MAX_CHARACTERS:
            odd.add(index)
    return odd


def by_turns(kinds: Numbers, counts: Numbers) -> Numbers:
    """A mask of the examples in the most common order: perhaps a system message, then user and assistant by turns.

    Args:
        kinds: of all messages, one after another, as indexes of system, user and assistant.
        counts: of the messages of each example.
    """
    if not counts.all():
        return np.zeros(len(counts), bool)
    starts = counts.cumsum() - counts  # none is empty
    with_system = kinds[starts] == _SYSTEM
    turns = counts - with_system
    place = np.arange(len(kinds)) - np.repeat(starts + with_system, counts)
    expected = np.where(place % 2, _ASSISTANT, _USER)
    expected[starts[with_system]] = _SYSTEM
    as_expected = np.logical_and.reduceat(kinds == expected, starts)
    return as_expected & (turns > 0) & (turns % 2 == 0)


def _report(
    chunk: LineChunk, accept: Accept, codec: str, starts: list[int], examples: list[_Example], odd: set[int]
) -> ChunkReport:
    """The chunk's report: odd lines the exact way, the others as they are.

    Args:
        starts: of each line, and behind the last one.
    """
    notes = _Notes(accept, codec)
    done, count = 0, len(examples)
    for index in sorted(odd):
        if index < done:  # it belongs to an object that began before
            continue
        notes.sound(examples[done:index], done + 1)
        line = chunk.lines[starts[index] : starts[index + 1]]
        following = _following(chunk, starts, index + 1)
        done = index + 1 + notes.exact(line, index + 1, chunk.offset + starts[index], following)
        if done > count:  # it reaches into the next chunk, which another process checks
            raise NotByChunks
    notes.sound(examples[done:], done + 1)
    return replace(notes.report(count), marks=_marks(chunk))


def _marks(chunk: LineChunk) -> int:
    """Marks at the beginnings of lines. (In a chunk that is decoded at once there are none: they are not JSON.)"""
    first = chunk.lines.startswith(codecs.BOM_UTF8) and chunk.offset > len(codecs.BOM_UTF8)
    return first + chunk.lines.count(b"\n" + codecs.BOM_UTF8)


def _following(chunk: LineChunk, starts: list[int], index: int) -> Iterator[Line]:
    """The lines from `index` on, and those after the chunk as far as they are known."""
    count = len(starts) - 1
    for number in range(index, count):
        start, end = starts[number], starts[number + 1]
        yield Line(number + 1, chunk.offset + start, _text(chunk.lines[start:end]))
    for number, match in enumerate(LINE.finditer(chunk.after), start=count + 1):
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
        self._splits = bytearray()

    def sound(self, examples: list[_Example], number: int) -> None:
        """Take in examples in which nothing was found, on lines from `number` on."""
        self._read += len(examples)
        self._keys.extend(decoded_keys(examples))
        self._at.extend(range(number, number + len(examples)))
        self._splits.extend(bytes(len(examples)))

    def exact(self, raw: bytes, number: int, offset: int, following: Iterator[Line]) -> int:
        """Take in a line as reading row by row would; returns the number of further lines that belong to it."""
        text = _text(raw)
        if not text.strip(BLANK):
            return 0
        self._read += 1
        looked: list[Line] = []
        source = LineSource(looked.append(line) or line for line in following)  # type: ignore[func-returns-value]
        source.wasted = self._wasted
        row = record(source, Line(number, offset, text), self._codec)
        self._wasted = source.wasted
        checked = structure.ParsedExample(None, row.findings) if isinstance(row, Reject) else self._accept(row)
        findings, example = checked.findings, checked.example
        self._findings.extend(findings)
        if example is None:
            self._rejected += 1
            self._unreadable += all(ISSUES.get(found.code).unreadable for found in findings)
        else:
            self._keys.append(decoded_key(example))
            self._at.append(number)
            self._splits.append(SPLITS.index(example.split))
            self._masked += is_masked(example.messages)
        return len(looked) - source.waiting

    def report(self, lines: int) -> ChunkReport:
        return ChunkReport(
            lines, self._read, self._rejected, self._unreadable, self._masked, tuple(self._findings), self._keys,
            self._at, bytes(self._splits), wasted=self._wasted,
        )  # fmt: skip
