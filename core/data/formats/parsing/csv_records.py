"""CSV text -> records with their physical lines: in blocks at the speed of C, line by line around errors.

A block of complete lines is read by columns where it is plainly sound (csv_columns). Else it goes through Python's
strict csv reader at once; the reader's line count gives each record its physical line. If a block contains an error,
its records are read line by line, so that the error can be named and affects only its own lines; then blocks continue.
Why both: docs/decisions/0019 and 0030.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from core.data.examples.texts import TextColumn
from core.data.formats.base import MAX_RECORD, Detection
from core.data.formats.csv_dialect.cells import Dialect
from core.data.formats.parsing import csv_columns, text_buffer
from core.data.formats.parsing.batches import FilePlace
from core.data.formats.parsing.text import Line, damage, shortened
from core.data.formats.parsing.text_buffer import TextBuffer
from core.data.issues import reject
from core.messages import Reject

_SLOW_RECORDS = 200  # read line by line after an error: errors come in groups
_MARK = "\ufeff"  # a byte order mark; inside a file only where files were joined
_GAVE_UP = "the quote goes on too long"
_MAX_WASTED = 64_000_000  # characters searched for closing quotes in vain, before quotes must close on their line


@dataclass(slots=True)
class Block:
    """Consecutive records: cells and first lines in parallel lists, and the rejects with their places.

    Or all of them in `columns` and `column_lines`, and nothing in the lists.
    """

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    raws: list[str] | None = None  # for each row its text verbatim; None: see `texts`
    rejects: list[Reject] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    source: str = ""
    ends: list[int] = field(default_factory=list)  # for each row the number of lines of `source` up to its end
    columns: tuple[TextColumn, ...] = ()
    column_lines: Sequence[int] = ()

    def add_reject(self, item: Reject) -> None:
        self.rejects.append(item)
        self.places.append(len(self.rows))

    def texts(self) -> list[str]:
        """The text of each row verbatim, without its line end."""
        if self.raws is None:
            pieces, start = list(io.StringIO(self.source, newline="")), 0
            self.raws = []
            for end in self.ends:
                self.raws.append("".join(pieces[start:end]).rstrip("\r\n"))
                start = end
        return self.raws

    def cut_first(self) -> list[str]:
        """Take the first record out of a block that was read by columns: its cells."""
        cells = [str(column[0]) for column in self.columns]
        self.columns = tuple(column[1:] for column in self.columns)
        first, *others = self.column_lines[:2]
        text = io.StringIO(self.source, newline="")
        for _ in range(others[0] - first if others else 0):
            next(text)
        self.source, self.column_lines = text.read(), self.column_lines[1:]
        return cells

    def in_rows(self) -> Block:
        """A block that was read by columns, row by row."""
        first = self.column_lines[0]
        ends = [*(line - first for line in self.column_lines[1:]), self.source.count("\n")]
        rows = [list(cells) for cells in zip(*self.columns, strict=True)]
        return Block(rows, list(self.column_lines), source=self.source, ends=ends)


class CsvText(TextBuffer):
    """A CSV file, read once from front to back."""

    def __init__(self, path: Path, detection: Detection) -> None:
        super().__init__(path, detection.encoding or "utf-8")
        self._dialect = Dialect.of(detection)
        self._without_comments = replace(self._dialect, comment="")
        self._skip, self._columns = detection.skip_lines, len(detection.columns)
        self._again: deque[Line] = deque()
        self._taken: list[Line] = []  # the lines of the record that is read line by line
        self._seen = 0  # their characters
        self._wasted = 0
        self._slow = 0

    def start(self) -> FilePlace:
        """The place after the skipped lines."""
        with self._opened():
            for _ in range(self._skip):
                self._next_line()
            return FilePlace(self._offset, self._line)

    def blocks(self, place: FilePlace | None = None) -> Iterator[Block]:
        """All records from a place on; by default those after the skipped lines."""
        with self._opened(place):
            for _ in range(0 if place else self._skip):
                self._next_line()
            while True:
                slow = self._again or self._slow > 0
                block = self._slow_block() if slow else self._fast_block()
                if block is None:
                    return
                if block.rows or block.rejects or block.columns:
                    yield block

    # ---- in blocks

    def _fast_block(self) -> Block | None:
        """The records of the next complete lines, up to the first error; None at the end of the file."""
        end = self._whole_lines()
        if end <= self._at:
            if self._at >= len(self._buffer) and self._ended:
                return None
            self._slow = 1
            return Block()
        text = self._buffer[self._at : end]
        if (whole := self._in_columns(text)) is not None:
            return whole
        if _is_damaged(text) or _has_mark(text):
            self._slow = _SLOW_RECORDS
            return Block()
        source = io.StringIO(text, newline="")
        dialect = self._dialect if self._dialect.has_comments(text) else self._without_comments
        reader = dialect.reader(source)
        rows: list[list[str]] = []
        ends: list[int] = []
        add_row, add_end = rows.append, ends.append
        fault = ""
        try:
            for cells in reader:
                add_row(cells)
                add_end(reader.line_num)
        except csv.Error as error:
            fault = str(error)
        used = text
        if fault:
            used = "".join(islice(io.StringIO(text, newline=""), ends[-1])) if ends else ""
            goes_on = "end of data" in fault and not self._ended and len(text) - len(used) <= text_buffer.LONGEST_BLOCK
            self._slow = 0 if goes_on and self._fill() else _SLOW_RECORDS
        block = Block(rows, [self._line, *(self._line + end for end in ends[:-1])] if ends else [], source=used)
        block.ends = ends
        self._step(used, ends[-1] if ends else 0)
        return block

    def _in_columns(self, text: str) -> Block | None:
        """The records at the beginning of a text by columns; None where they are not plainly sound."""
        dialect = self._dialect
        if len(text) < csv_columns.LEAST or not dialect.is_plain or dialect.has_comments(text):
            return None
        if _has_mark(text):
            return None
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:  # bad bytes
            return None
        found = csv_columns.parse(data, dialect.delimiter, dialect.quote or None, self._columns)
        if found is None:
            return None
        used = text if found.end == len(data) else data[: found.end].decode("utf-8")
        self._step(used, found.line_count, found.end if self._codec in ("utf-8", "utf-8-sig") else None)
        lines = csv_columns.later(found.lines, self._line - found.line_count)
        return Block(source=used, columns=found.columns, column_lines=lines)

    # ---- line by line

    def _slow_block(self) -> Block | None:
        """Some records read line by line, with their errors; None at the end of the file."""
        block = Block(raws=[])
        assert block.raws is not None
        reader = self._dialect.reader(self._take_lines())
        size = 0
        while (self._slow > 0 or self._again) and len(block.rows) < 10 * _SLOW_RECORDS and size < text_buffer.BLOCK:
            self._slow -= 1
            self._taken.clear()
            self._seen = 0
            try:
                cells = next(reader)
            except StopIteration:
                self._slow = 0
                return block if block.rows or block.rejects else None
            except csv.Error as error:
                item = self._broken(str(error))
                block.add_reject(item)
                size += len(item.raw)
                self._slow = _SLOW_RECORDS
                reader = self._dialect.reader(
                    self._take_lines()
                )  # the old one may have seen the end of the file inside a quote
                continue
            first = self._taken[0]
            text = first.text if len(self._taken) == 1 else "".join(line.text for line in self._taken)
            size += len(text)
            if any(line.too_long for line in self._taken):
                block.add_reject(self._too_long())
            elif bad := damage(text, line=first.number, offset=first.offset, codec=self._codec):
                block.add_reject(bad)
            else:
                block.rows.append(cells)
                block.lines.append(first.number)
                block.raws.append(text.rstrip("\r\n"))
        return block

    def _take_lines(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else self._next_line()
            if line is None:
                return
            self._taken.append(line)
            self._seen += len(line.text)
            if len(self._taken) > 1 and (self._seen > MAX_RECORD or self._wasted > _MAX_WASTED):
                raise csv.Error(_GAVE_UP)
            yield line.text.removeprefix(_MARK) if len(self._taken) == 1 else line.text

    def _put_back(self, from_line: int) -> None:
        """Put back the taken lines from index `from_line` on."""
        lines = self._taken[from_line:]
        self._wasted += sum(len(line.text) for line in lines)
        self._again.extendleft(reversed(lines))
        del self._taken[from_line:]

    def _broken(self, reason: str) -> Reject:
        """The Reject for a record that cannot be read; the lines after the error are read again."""
        if (gave_up := reason == _GAVE_UP) and len(self._taken) > 1:
            self._again.appendleft(self._taken.pop())  # the reader has not seen it
        first = self._taken[0].number
        if self._taken[0].too_long or (len(self._taken) == 1 and "field larger" in reason):
            self._put_back(1)
            return self._too_long()
        opened = self._dialect.opening_quote([line.text for line in self._taken])
        unclosed = gave_up or "end of data" in reason or "field larger" in reason
        if opened == len(self._taken) - 1 and not unclosed:
            text = "".join(line.text for line in self._taken).rstrip("\r\n")
            at = self._taken[-1].number
            return reject("csv_quote", "Text follows a closing quote.", line=first, raw=text, at=at)
        self._put_back(opened + 1)
        at = self._taken[-1].number
        text = "".join(line.text for line in self._taken).rstrip("\r\n")
        message = "A quote opens here and is never closed."
        if unclosed and "end of data" not in reason:
            message = f"A quote is opened here and not closed within {MAX_RECORD:,} characters."
        if gave_up and self._wasted > _MAX_WASTED:
            message = "A quote is opened here and not closed on its line, after too many that were never closed."
        return reject("csv_unclosed_quote", message, line=first, raw=text, at=at)

    def _too_long(self) -> Reject:
        first = self._taken[0]
        message = f"A line or cell is longer than {MAX_RECORD:,} characters."
        return reject("csv_too_long", message, line=first.number, raw=shortened(first.text))


def _has_mark(text: str) -> bool:
    """Whether a line begins with a byte order mark, as where files were joined."""
    return text.startswith(_MARK) or f"\n{_MARK}" in text


def _is_damaged(text: str) -> bool:
    """Whether a text contains NUL or lone surrogates, into which bad bytes are decoded."""
    if "\0" in text:
        return True
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
