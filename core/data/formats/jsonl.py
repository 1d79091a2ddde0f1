"""JSONL: one object per physical line. Objects pretty-printed over several lines are read as well."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from core.data.formats.base import MAX_DEPTH, MAX_RECORD, Detection, Format, Head, ReadingChoice
from core.data.formats.json import TABLE_NAMES, list_choices, with_list_columns
from core.data.formats.parsing import json_columns, strict_json
from core.data.formats.parsing.batches import BATCH_ROWS, FilePiece, FilePlace, RowBatch, from_items
from core.data.formats.parsing.json_tables import lists_of
from core.data.formats.parsing.json_text import JsonText, first_value, row_or_reject
from core.data.formats.parsing.text import ByteWidth, Line, damage, lines, shortened
from core.data.formats.parsing.text_buffer import TextBuffer
from core.data.formats.pieces import json_pieces
from core.data.issues import finding, reject
from core.data.reading_options import Reading
from core.errors import DataError
from core.messages import Finding, Reject, Row
from core.text import plural

MAX_WASTED = 32_000_000  # characters read ahead in vain, before every line is read by itself
_MAX_LINES = 100_000
BLANK = " \t\r\n\ufeff"
_MARK, _LEAD, _CHUNK = b"\n\xef\xbb\xbf", b"\xef", 1 << 18


class JsonlFormat(Format):
    """Lines, each an object; or objects one after another (layout `values`)."""

    id = "jsonl"
    label = "JSONL"
    suffixes = (".jsonl", ".ndjson", ".jsonlines")
    unicode_only = True
    line_records = True

    def sniff(self, head: Head) -> float:
        start = head.text.lstrip()[:1]
        named = head.suffix in self.suffixes
        if start == "{":
            layout = self._layout(head)
            if head.suffix in TABLE_NAMES and head.text.lstrip()[1:].lstrip()[:1] not in ('"', "}"):
                return 0.0  # `{name} asks` in a table
            if layout == "lines":
                return 0.95
            return 0.9 if layout == "values" or named else 0.0
        if start == "[":  # an array, whatever the suffix, unless every line is one
            first = head.text.lstrip().partition("\n")[0]
            return 0.95 if _lines_of_values(head) and _is_value(first) else 0.0
        return 0.5 if named else 0.0

    def detect(self, head: Head, chosen: Reading) -> Detection:
        layout = chosen.layout or self._layout(head)
        if not layout:  # a single object over several lines is read as one value, whatever the suffix
            layout = "lines" if first_value(head.text)[0] is None else "values"
        notes = ["JSONL: one object per line."]
        if layout == "values":
            notes = ["JSON objects, one after another, each over several lines."]
        return Detection(self.id, head.encoding, layout=layout, notes=tuple(notes))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        codec = detection.encoding or "utf-8"
        if detection.layout == "values":
            yield from JsonText(path, codec).values()
            return
        yield from islice(_records(path, codec, detection.columns), int(detection.header or 0), None)

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """Each line may be a list of cells."""
        codec = detection.encoding or "utf-8"
        if detection.layout == "lines":
            detection = with_list_columns(detection, lists_of(_records(path, codec)), chosen)
        return detection

    def seams(self, path: Path, detection: Detection) -> tuple[Finding, ...]:
        utf_8 = (detection.encoding or "utf-8") in ("utf-8", "utf-8-sig")
        return marks_inside(_marks_inside(path)) if utf_8 and not detection.compression else ()

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        return list_choices(detected, current)

    def read_batches(
        self, path: Path, detection: Detection, size: int = BATCH_ROWS, place: FilePlace | None = None
    ) -> Iterator[RowBatch]:
        if detection.layout != "lines" or detection.columns:
            return super().read_batches(path, detection, size)
        return from_items(_LineText(path, detection.encoding or "utf-8").records(place), size)

    def pieces(self, path: Path, detection: Detection) -> Iterator[FilePiece]:
        codec = detection.encoding or ""
        if detection.layout != "lines" or detection.columns or codec not in ("utf-8", "utf-8-sig"):
            return iter(())
        return json_pieces.of_lines(path, FilePlace(ByteWidth(codec).mark(path), 1))

    def _layout(self, head: Head) -> str:
        """`lines` or `values`; "" if there is only one value, which is a JSON document."""
        if _lines_of_values(head):
            return "lines"
        end, rest = first_value(head.text)
        if end is None:
            # The head ends inside the first value: a large document, or lines whose first one is broken.
            _, *later = [line for line in head.text.split("\n", 12)[:12] if line.strip()] or [""]
            return "lines" if any(map(_is_value, later)) else ""
        if not rest.strip():
            return "lines" if head.suffix in self.suffixes and "\n" not in head.text.strip() else ""
        if rest.lstrip()[:1] == "{":
            return "values"
        return "lines" if rest.lstrip(" \t")[:1] in "\r\n" else ""


class _LineText(TextBuffer):
    """A file of lines, read many at a time where each is plainly one object."""

    def records(self, place: FilePlace | None = None) -> Iterator[Row | Reject | RowBatch]:
        """Every record in the order of the file, from a place on."""
        with self._opened(place):
            source, slow, most = LineSource(self._lines()), 0, json_columns.MOST
            while True:
                if slow <= 0 and not source.waiting and (text := self._ahead(most)):
                    if (found := _sound_lines(text)) is not None:
                        yield from found.batches(range(self._line, self._line + len(found)))
                        self._step(text, len(found))
                        most = min(2 * most, json_columns.MOST)
                        continue
                    if len(text) > json_columns.FEWER:
                        most = json_columns.FEWER
                        continue
                    slow = text.count("\n")
                if (line := source.next()) is None:
                    return
                slow -= 1
                if line.text.strip(BLANK):
                    yield record(source, line, self._codec)

    def _lines(self) -> Iterator[Line]:
        while (line := self._next_line()) is not None:
            yield line

    def _ahead(self, most: int) -> str:
        """The next complete lines, at most so many characters; none where they are few."""
        if len(self._buffer) - self._at < json_columns.LEAST:
            self._fill()
        end = self._buffer.rfind("\n", self._at, self._at + most) + 1
        return self._buffer[self._at : end] if end - self._at >= json_columns.LEAST else ""


def _sound_lines(text: str) -> json_columns.Records | json_columns.ColumnRecords | None:
    try:
        return json_columns.lines(text.encode("utf-8"))
    except UnicodeEncodeError:  # bad bytes
        return None


class LineSource:
    """Lines with lookahead. (Bulk validation reads its difficult lines with it, too.)"""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._again: deque[Line] = deque()
        self.wasted = 0  # characters read ahead in vain

    def __iter__(self) -> Iterator[Line]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._source, None)

    @property
    def waiting(self) -> int:
        """How many lines were read ahead and put back."""
        return len(self._again)

    def put_back(self, taken: list[Line]) -> None:
        self.wasted += sum(len(line.text) for line in taken)
        self._again.extendleft(reversed(taken))


def _records(path: Path, codec: str, columns: tuple[str, ...] = ()) -> Iterator[Row | Reject]:
    source = LineSource(lines(path, codec))
    for line in source:
        if line.text.strip(BLANK):
            yield record(source, line, codec, columns)


def marks_inside(count: int) -> tuple[Finding, ...]:
    """The finding about so many lines after the first one that begin with a byte order mark."""
    if not count:
        return ()
    message = f"{plural(count, 'byte order mark')} inside the file, where files were joined, were left out."
    return (finding("bom_inside", message),)


def _marks_inside(path: Path) -> int:
    """How many lines after the first one begin with a byte order mark."""
    count, tail = 0, b""
    buffer = bytearray(_CHUNK)  # one for the complete file: new memory would take longer than the search
    with path.open("rb", buffering=0) as stream:
        while size := stream.readinto(buffer):
            chunk = buffer if size == len(buffer) else buffer[:size]
            if _LEAD in chunk or _LEAD in tail:  # much faster than counting
                count += (tail + chunk).count(_MARK)
            tail = bytes(chunk[1 - len(_MARK) :])
    return count


def record(source: LineSource, line: Line, codec: str, columns: tuple[str, ...] = ()) -> Row | Reject:
    """The record that begins with a line: the line itself, or an object that continues on the next lines."""
    text = line.text.rstrip("\r\n").lstrip("\ufeff")
    if line.too_long:
        message = f"The line is longer than {MAX_RECORD:,} characters."
        return reject("json_too_long", message, line=line.number, raw=shortened(text))
    if bad := damage(text, line=line.number, offset=line.offset, codec=codec):
        return bad
    found = row_or_reject(text, line.number, columns)
    if isinstance(found, Reject) and found.findings[0].code == "json_syntax" and source.wasted < MAX_WASTED:
        depth = _depth(text)
        if 0 < depth <= MAX_DEPTH and text.lstrip()[:1] == "{":
            return _over_lines(source, line, depth, codec) or found
    return found


def _over_lines(source: LineSource, first: Line, depth: int, codec: str) -> Row | Reject | None:
    """An object that is pretty-printed among objects of one line each; None if its brackets never close.

    A line that is a complete object by itself, without indentation, ends the search: the object before it was cut off.
    """
    taken: list[Line] = []
    size = len(first.text)
    while (line := source.next()) is not None:
        taken.append(line)
        size += len(line.text)
        if line.too_long or size > MAX_RECORD or len(taken) > _MAX_LINES:
            break
        if line.text[:1] == "{" and _is_value(line.text):
            break
        depth += _depth(line.text)
        if depth <= 0:
            text = (first.text + "".join(item.text for item in taken)).rstrip("\r\n")
            found = damage(text, line=first.number, offset=first.offset, codec=codec)
            found_row = found or row_or_reject(text, first.number)
            if isinstance(found_row, Row) or found_row.findings[0].code != "json_syntax":
                return found_row
            break
    source.put_back(taken)
    return None


def _depth(text: str) -> int:
    """How many brackets a line leaves open; below zero where it closes more."""
    depth = 0
    for token in strict_json.TOKEN.finditer(text):
        character = token.group()
        depth += (character in ("{", "[")) - (character in ("}", "]"))
    return depth


def _lines_of_values(head: Head) -> bool:
    """Whether the first lines are complete values, at least two of them."""
    complete = [line for line in head.text.split("\n", 12)[:12] if line.strip()]
    if not head.complete and len(complete) < 12:
        complete = complete[:-1]
    good = sum(_is_value(line) for line in complete)
    return len(complete) >= 2 and good * 2 >= len(complete) and good >= 1


def _is_value(line: str) -> bool:
    """Whether a line is a complete object or array; refused ones count, truncated ones do not."""
    text = line.strip()
    if text[:1] not in "{[":
        return False
    try:
        strict_json.loads(text)
    except DataError as error:
        return error.code != "json_syntax"
    return True
