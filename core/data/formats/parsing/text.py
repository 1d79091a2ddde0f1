"""Text files as physical lines with their byte offsets; damage is marked, never lost.

A line ends at LF, CR LF or CR, and nowhere else: U+2028 inside a string is not a line end. A byte that the encoding
does not allow becomes a character from U+DC80 to U+DCFF, from which the byte can be restored.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from core.data.formats.base import MAX_RECORD
from core.data.formats.parsing.compression import open_bytes
from core.data.formats.parsing.encoding import MARKS
from core.data.issues import reject
from core.messages import Reject

_BAD = re.compile("[\0\ud800-\udfff]")
_ESCAPE_ERRORS = "studio_escape"
_WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # codecs that skip and write it


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Decode each bad byte to a lone surrogate, as surrogateescape does, but for UTF-16 and -32 as well."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ESCAPE_ERRORS, _escape)


def open_text(path: Path, codec: str, offset: int = 0) -> TextIO:
    """The file as text, unpacked if it is gzip, with its line ends unchanged and bad bytes marked.

    Args:
        offset: the byte to begin at, which begins a character (in UTF-8, and never in a gzip file).
    """
    stream = open_bytes(path)
    if offset:
        stream.seek(offset)
        codec = "utf-8" if codec == "utf-8-sig" else codec  # a mark at the beginning is behind
    return io.TextIOWrapper(stream, encoding=codec, errors=_ESCAPE_ERRORS, newline="")


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line with its line end. `number` is 1-based, `offset` the byte it starts at."""

    number: int
    offset: int
    text: str
    too_long: bool = False


def lines(path: Path, codec: str) -> Iterator[Line]:
    """Every physical line; one longer than MAX_RECORD is cut and marked `too_long`."""
    width = ByteWidth(codec)
    offset = width.mark(path)
    number = 0
    with open_text(path, codec) as stream:
        while text := stream.readline(MAX_RECORD):
            number += 1
            size = width.of(text)
            too_long = len(text) >= MAX_RECORD and text[-1] not in "\r\n"
            if too_long:
                while rest := stream.readline(MAX_RECORD):
                    size += width.of(rest)
                    if rest[-1] in "\r\n":
                        break
            yield Line(number, offset, text, too_long)
            offset += size


class ByteWidth:
    """How many bytes a decoded text took in the file."""

    def __init__(self, codec: str) -> None:
        name = codecs.lookup(codec).name
        # Codecs that write a byte order mark would count it in every piece.
        self._codec = _WITHOUT_MARK.get(name, name)
        self._drops_mark = name in _WITHOUT_MARK

    def of(self, text: str) -> int:
        if text.isascii() and not self._codec.startswith(("utf-16", "utf-32")):
            return len(text)
        try:
            return len(text.encode(self._codec, "surrogateescape"))
        except UnicodeEncodeError:
            marked = sum(0xDC00 <= ord(character) <= 0xDCFF for character in text)
            clean = "".join(character for character in text if not 0xD800 <= ord(character) <= 0xDFFF)
            return marked + len(clean.encode(self._codec, "replace"))

    def mark(self, path: Path) -> int:
        """The length of the byte order mark in bytes; 0 where the codec reads it as text."""
        if not self._drops_mark:
            return 0
        with open_bytes(path) as stream:
            head = stream.read(4)
        return next((len(mark) for mark, *_ in MARKS if head.startswith(mark)), 0)


def damage(text: str, *, line: int, offset: int, codec: str) -> Reject | None:
    """The Reject of a record with bad bytes or NUL, or None if it is clean.

    Args:
        text: the record verbatim. line: the physical line it starts on. offset: the byte it starts at.
    """
    if text.isascii() and "\0" not in text:  # much faster than searching for each
        return None
    found = _BAD.search(text)
    if found is None:
        return None
    before = text[: found.start()]
    at = line + line_ends(before)
    where = offset + ByteWidth(codec).of(before)
    if found.group() == "\0":
        message = f"The record contains a NUL character, at byte offset {where:,}."
        return reject("nul", message, line=line, raw=text, at=at)
    byte = ord(found.group()) - 0xDC00
    shown = f"0x{byte:02X}" if 0 <= byte <= 0xFF else "half of a character"
    message = f"The record is not valid {codec}: {shown} at byte offset {where:,}."
    return reject("encoding", message, line=line, raw=text, at=at)


def line_ends(text: str) -> int:
    """How many physical lines end inside the text."""
    ends = text.count("\n")
    if "\r" in text:
        ends += text.count("\r") - text.count("\r\n")
    return ends


def shortened(text: str, limit: int = 1_000) -> str:
    """The beginning of a record that is too long to store, with its length."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters or more)"
