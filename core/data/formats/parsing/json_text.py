"""Cut a JSON text of any size into its records, each with the physical line it starts on.

The records are found by brackets, strings and commas, a chunk at a time; each is then parsed strictly by itself. So the
line number of a record is its position in the text, a broken element affects no other, and 100 MB need little memory.
Elements of an array that are plainly sound are read many at a time (json_columns).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from core.data.formats.base import MAX_DEPTH, MAX_RECORD
from core.data.formats.parsing import json_columns, strict_json
from core.data.formats.parsing.batches import FilePlace, RowBatch, one_by_one
from core.data.formats.parsing.text import ByteWidth, damage, line_ends, open_text, shortened
from core.data.issues import data_error, from_error, reject
from core.errors import DataError
from core.messages import Reject, Row, SharedLine
from core.text import plural

_CHUNK = 1 << 20
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text: one record, with where it begins. `end`: what ended it, "" at the file's end."""

    text: str
    line: int
    offset: int
    depth: int
    length: int
    end: str


@dataclass(slots=True)
class _Start:
    """Where a record begins, and its beginning if it is too long to store."""

    line: int
    offset: int
    beginning: str = ""
    dropped: int = 0


class JsonText:
    """A JSON text, read from a file from front to back; `columns` are the names for rows that are lists."""

    def __init__(self, path: Path, codec: str, columns: tuple[str, ...] = ()) -> None:
        self._path, self._codec, self._columns = path, codec, columns
        self._width = ByteWidth(codec)
        self._most: int = json_columns.MOST  # characters of elements that are tried at once

    def array(self, array_path: tuple[str, ...] = ()) -> Iterator[Row | Reject]:
        """The elements of the array, or of the array that `array_path` leads to inside objects."""
        return one_by_one(self.array_in_pieces(array_path))

    def array_in_pieces(
        self, array_path: tuple[str, ...] = (), place: FilePlace | None = None
    ) -> Iterator[Row | Reject | RowBatch]:
        """The same, many elements at a time where they are plainly sound.

        Args:
            place: of the element to begin with; by default the first one.
        """
        with open_text(self._path, self._codec, place.offset if place else 0) as stream:
            self._begin(stream, place)
            for key in () if place else array_path:
                if not self._enter(key):
                    raise data_error("json_no_rows", f"There is no array at {'.'.join(array_path)!r}.")
            if place is None:
                if self._peek() != "[":
                    where = f" at {'.'.join(array_path)!r}" if array_path else ""
                    raise data_error("json_no_rows", f"There is no array{where}.", line=self._line)
                self._skip(1)
            yield from self._faults
            self._faults.clear()
            yield from self._elements_in_pieces(*((place.records, place.last_line) if place else ()))
            yield from self._remainder(len(array_path))

    def first_element(self, array_path: tuple[str, ...] = ()) -> FilePlace | None:
        """Where the first element of the array begins; None where there is anything unusual before it."""
        with open_text(self._path, self._codec) as stream:
            self._begin(stream)
            if not all(map(self._enter, array_path)) or self._peek() != "[" or self._faults:
                return None
            self._skip(1)
            return FilePlace(self._offset, self._line) if self._peek() == "{" else None

    def values(self) -> Iterator[Row | Reject]:
        """Values one after another: a single document, or objects pretty-printed over several lines each."""
        with open_text(self._path, self._codec) as stream:
            self._begin(stream)
            last_line = 0
            while self._peek():
                piece = self._value()
                if piece.line == last_line:
                    message = "The line has more than one value."
                    yield reject(
                        "json_syntax", message, "Put each on a separate line.", line=piece.line, raw=piece.text
                    )
                else:
                    yield self._record(piece, piece.line)
                last_line = self._line

    # ---- records

    def _elements(self) -> Iterator[Row | Reject]:
        """The elements up to the closing bracket, which is read too."""
        return one_by_one(self._elements_in_pieces())

    def _elements_in_pieces(self, count: int = 0, last_line: int = 0) -> Iterator[Row | Reject | RowBatch]:
        """The same, many elements at a time where they are plainly sound."""
        slow = 0
        while True:
            first = self._peek()
            if first == "]" and count == 0:
                self._skip(1)
                return
            slow -= 1
            if first == "{" and slow < 0:
                if many := self._many(count, last_line):
                    yield from many
                    count += sum(map(len, many))
                    last_line = int(many[-1].lines[-1])
                    continue
                slow = json_columns.SLOW_RECORDS
            piece = self._cut(between=True)
            count += 1
            if piece.end == ",":
                self._skip(1)
            shared = piece.line == last_line or (piece.end == "," and self._peek() and self._line == piece.line)
            last_line = piece.line
            line = SharedLine(piece.line, count) if shared else piece.line
            if piece.text.strip(_BLANK):
                yield self._record(piece, line)
            else:
                what = "The array ends after a comma" if piece.end == "]" else "An element is missing before the comma"
                what = what if piece.end else "The file ends before the array is closed"
                yield reject("json_syntax", f"{what}.", line=line, raw="")
            if piece.end == "":
                if piece.text.strip(_BLANK) and self._complete(piece):
                    message = "The file ends before the array is closed."
                    yield reject("json_syntax", message, "Some rows may be missing.", line=self._line, raw="")
                return
            if piece.end == ",":
                continue
            self._skip(1)
            if piece.end == "]":
                return
            if piece.end == "}":
                message = "A closing bracket that was never opened."
                yield reject("json_syntax", message, line=self._line, raw="}")

    def _many(self, count: int, last_line: int) -> list[RowBatch]:
        """Elements from here on that are plainly sound, and the comma behind; none if there are few, or they are not.

        Args:
            count: elements before. last_line: that of the last of them.
        """
        if len(self._buffer) - self._at < json_columns.LEAST:
            self._fill()
        if len(self._buffer) - self._at < json_columns.LEAST:
            return []
        text = self._buffer[self._at : self._at + self._most]
        found = json_columns.elements(text)
        if found is None and len(text) > json_columns.FEWER:
            self._most = json_columns.FEWER
            found = json_columns.elements(text[: json_columns.FEWER])
        if found is None:
            return []
        self._most = min(2 * self._most, json_columns.MOST)
        records, length = found
        first = self._line
        self._skip(length)
        self._peek()
        self._skip(1)
        self._peek()
        lines = [first + line for line in records.lines]
        return records.batches(json_columns.shared_lines(lines, last_line, self._line, count))

    def _remainder(self, depth: int) -> Iterator[Reject]:
        """Only the ends of the objects around the array may follow."""
        for _ in range(depth):
            while self._peek() == ",":
                self._skip(1)
                self._check_member(self._cut(between=True))
            yield from self._faults
            self._faults.clear()
            if self._peek() == "}":
                self._skip(1)
            elif not self._peek():
                message = "The file ends before its object is closed."
                yield reject("json_syntax", message, "Some rows may be missing.", line=self._line, raw="")
                return
        if self._peek():
            piece = self._cut(between=False)
            message = "There is text after the end of the document."
            yield reject("json_syntax", message, line=piece.line, raw=shortened(piece.text))

    def _record(self, piece: _Piece, line: int) -> Row | Reject:
        if piece.depth > MAX_DEPTH:
            error = strict_json.too_deep(line)
            return Reject(line, shortened(piece.text), (from_error(error),))
        if piece.length > MAX_RECORD:
            message = f"The record is longer than {MAX_RECORD:,} characters."
            return reject("json_too_long", message, line=line, raw=shortened(piece.text))
        text = piece.text.rstrip(_BLANK)
        bad = damage(text, line=line, offset=piece.offset, codec=self._codec)
        return bad or row_or_reject(text, line, self._columns)

    def _complete(self, piece: _Piece) -> bool:
        """Whether the record is JSON, even if it is not a row: then only the text after it is missing."""
        record = self._record(piece, piece.line)
        return isinstance(record, Row) or record.findings[0].code == "json_no_rows"

    # ---- the scanner

    def _begin(self, stream: TextIO, place: FilePlace | None = None) -> None:
        self._stream = stream
        self._buffer, self._at = "", 0
        self._line, self._offset = (place.line, place.offset) if place else (1, self._width.mark(self._path))
        self._ended = False
        self._faults: list[Reject] = []  # in the text around the array

    def _fill(self) -> bool:
        """Read another chunk and drop the used part of the buffer; False at the end of the file."""
        chunk = self._stream.read(_CHUNK)
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        self._ended = not chunk
        return bool(chunk)

    def _skip(self, length: int) -> None:
        """Step over text, counting its lines and bytes."""
        passed = self._buffer[self._at : self._at + length]
        self._at += length
        self._line += line_ends(passed)
        self._offset += self._width.of(passed)

    def _peek(self) -> str:
        """The next character that is not blank; "" at the end of the file."""
        while True:
            end = self._at
            while end < len(self._buffer) and self._buffer[end] in _BLANK:
                end += 1
            if end < len(self._buffer):
                self._skip(end - self._at)
                return self._buffer[self._at]
            # A CR at the edge may be half of a line end: keep it until its LF is seen.
            keep = 1 if self._buffer[-1:] == "\r" and not self._ended else 0
            self._skip(max(end - keep - self._at, 0))
            if not self._fill():
                self._skip(len(self._buffer) - self._at)
                return ""

    def _value(self) -> _Piece:
        """One value: up to its own closing bracket, or to the end of the line if it has no brackets."""
        if self._peek() in ("{", "["):
            return self._cut(between=False)
        while (end := self._line_end()) < 0 and self._fill():
            pass
        return self._piece(_Start(self._line, self._offset), len(self._buffer) if end < 0 else end, 0, "\n")

    def _cut(self, *, between: bool) -> _Piece:
        """The text of one record, found by its brackets.

        Args:
            between: True cuts before the comma or bracket that follows (an element of an array or object); False cuts
                after the value's own closing bracket.
        """
        self._peek()
        start = _Start(self._line, self._offset)
        position, depth, deepest = self._at, 0, 0
        while True:
            for token in strict_json.TOKEN.finditer(self._buffer, position):
                text = token.group()
                position = token.end()
                if token.lastgroup == "open":  # a string that continues beyond the buffer
                    position = token.start()
                    break
                if text == "[" or text == "{":
                    depth += 1
                    deepest = max(deepest, depth)
                elif text == ",":
                    if between and depth == 0:
                        return self._piece(start, token.start(), deepest, text)
                elif text == "]" or text == "}":
                    if between and depth == 0:
                        return self._piece(start, token.start(), deepest, text)
                    depth -= 1
                    if depth == 0 and not between:
                        return self._piece(start, position, deepest, text)
            else:
                position = len(self._buffer)
            if self._ended:
                return self._piece(start, len(self._buffer), deepest, "")
            if len(self._buffer) - self._at > MAX_RECORD:
                self._let_go(start, position)
            position -= self._at
            self._fill()

    def _let_go(self, start: _Start, position: int) -> None:
        """Drop the middle of a record that is too long to store; the reject has its beginning."""
        start.beginning = start.beginning or self._buffer[self._at : self._at + 1_000]
        position -= self._buffer[position - 1 : position] == "\r"  # half of a line end, perhaps
        start.dropped += max(position - self._at, 0)
        self._skip(max(position - self._at, 0))

    def _piece(self, start: _Start, end: int, depth: int, ended_by: str) -> _Piece:
        length = end - self._at
        text = start.beginning or self._buffer[self._at : end]
        self._skip(length)
        return _Piece(text, start.line, start.offset, depth, start.dropped + length, ended_by)

    def _line_end(self) -> int:
        ends = [end for end in (self._buffer.find("\n", self._at), self._buffer.find("\r", self._at)) if end >= 0]
        return min(ends, default=-1)

    def _enter(self, key: str) -> bool:
        """Step into an object, up to the value of `key`; False if it has no such key."""
        if self._peek() != "{":
            return False
        self._skip(1)
        while self._peek() == '"':
            name = self._key()
            if self._peek() != ":":
                return False
            self._skip(1)
            if name == key:
                return True
            piece = self._cut(between=True)
            self._check_member(piece, name)
            if piece.end != ",":
                return False
            self._skip(1)
        return False

    def _check_member(self, piece: _Piece, name: str | None = None) -> None:
        """Report an error in a member of an object around the array: `"key": value`, or the value of `name`."""
        text = piece.text if name is None else f'"": {piece.text}'
        try:
            if not piece.text.strip(_BLANK):
                raise data_error("json_syntax", "A value is missing next to a comma.", line=piece.line)
            if piece.length <= MAX_RECORD:
                strict_json.loads(f"{{{text}}}", line=piece.line)
        except DataError as error:
            self._faults.append(Reject(piece.line, shortened(piece.text), (from_error(error),)))

    def _key(self) -> str:
        """The string that starts here, as a key."""
        while (token := strict_json.TOKEN.match(self._buffer, self._at)) and token.lastgroup == "open" and self._fill():
            pass
        text = token.group() if token else ""
        line = self._line
        self._skip(len(text))
        value = strict_json.loads(text, line=line)
        return value if isinstance(value, str) else ""


def row_or_reject(text: str, line: int, columns: tuple[str, ...] = ()) -> Row | Reject:
    """Parse one record: an object with at least one key is a row, and a list of cells where the columns have names."""
    try:
        value = strict_json.loads(text, line=line)
    except DataError as error:
        # A value that is not an object is not a row, whatever characters it contains.
        if error.code not in ("nul", "lone_surrogate") or text.lstrip(_BLANK)[:1] == "{":
            return Reject(line, shortened(text, MAX_RECORD), (from_error(error),))
        value = [] if text.lstrip(_BLANK)[:1] == "[" else ""
    if isinstance(value, dict) and value:
        return Row(line, value)
    if columns and isinstance(value, list):
        if len(value) == len(columns):
            return Row(line, dict(zip(columns, value, strict=True)))
        message = f"The row has {plural(len(value), 'cell')}, but there are {plural(len(columns), 'column')}."
        return reject("json_ragged", message, line=line, raw=text)
    names = {dict: "an empty object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    kind = names.get(type(value), "a number")
    return reject("json_no_rows", f"This is {kind}, but a row must be an object with keys.", line=line, raw=text)


def first_value(text: str) -> tuple[str | None, str]:
    """The first value of a text and what follows it; None if it does not end within the text."""
    start = len(text) - len(text.lstrip())
    depth = 0
    for token in strict_json.TOKEN.finditer(text, start):
        character = token.group()[0]
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if depth <= 0:
                return text[start : token.end()], text[token.end() :]
    return None, ""
