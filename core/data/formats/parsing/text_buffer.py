"""A text file, read once from front to back, in blocks of complete lines or line by line, by turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core.data.formats.base import MAX_RECORD
from core.data.formats.parsing.batches import FilePlace
from core.data.formats.parsing.text import ByteWidth, Line, open_text

BLOCK = 1 << 20  # characters read at once
LONGEST_BLOCK = 4 << 20  # a longer block without a line end is read line by line


class TextBuffer:
    """A file and the place that has been reached in it."""

    def __init__(self, path: Path, codec: str) -> None:
        self._path, self._width = path, ByteWidth(codec)
        self._codec = codec

    @contextmanager
    def _opened(self, place: FilePlace | None = None) -> Iterator[None]:
        """Begin at a place; by default at the first line."""
        place = place or FilePlace(0, 1)
        with open_text(self._path, self._codec, place.offset) as stream:
            self._stream: TextIO = stream
            self._buffer, self._at, self._ended = "", 0, False
            self._line, self._offset = place.line, place.offset or self._width.mark(self._path)
            yield

    def _whole_lines(self) -> int:
        """Where the last complete line of the buffer ends; the last line of the file is always complete."""
        while True:
            if self._ended:
                return len(self._buffer)
            if len(self._buffer) - self._at >= BLOCK:
                end = self._buffer.rfind("\n", self._at) + 1
                if not end:
                    end = self._buffer.rfind("\r", self._at, len(self._buffer) - 1) + 1
                if end or len(self._buffer) - self._at > LONGEST_BLOCK:
                    return end
            self._fill()

    def _fill(self) -> bool:
        """Read another chunk and drop the used part of the buffer; False at the end of the file."""
        chunk = self._stream.read(BLOCK)
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        self._ended = not chunk
        return bool(chunk)

    def _step(self, text: str, lines: int, size: int | None = None) -> None:
        """Go on by a text of so many lines; `size` is its bytes in the file, where they are known."""
        self._at += len(text)
        self._line += lines
        self._offset += self._width.of(text) if size is None else size

    def _next_line(self) -> Line | None:
        """The next physical line of the file; only the beginning of one longer than MAX_RECORD."""
        length = self._line_length()
        if length == 0:
            return None
        text = self._buffer[self._at : self._at + length]
        line = Line(self._line, self._offset, text, too_long=length >= MAX_RECORD and text[-1] not in "\r\n")
        self._step(text, 1)
        while line.too_long and (length := self._line_length()):
            rest = self._buffer[self._at : self._at + length]
            self._step(rest, 0)
            if rest[-1] in "\r\n":
                break
        return line

    def _line_length(self) -> int:
        """Characters up to and including the next line end, at most MAX_RECORD; 0 at the end of the file."""
        start = self._at
        while True:
            newline = self._buffer.find("\n", start)
            stop = newline if newline >= 0 else len(self._buffer)
            carriage = self._buffer.find("\r", start, stop)
            if carriage >= 0 and (carriage + 1 < len(self._buffer) or self._ended):
                two = self._buffer[carriage + 1 : carriage + 2] == "\n"
                return min(carriage + 1 + two - self._at, MAX_RECORD)
            if newline >= 0:
                return min(newline + 1 - self._at, MAX_RECORD)
            if len(self._buffer) - self._at >= MAX_RECORD:
                return MAX_RECORD
            if self._ended:
                return len(self._buffer) - self._at
            looked = (carriage if carriage >= 0 else len(self._buffer)) - self._at
            self._fill()
            start = self._at + looked
