"""CSV and its relatives: cells stay text, and every row knows the physical line it starts on.

A row with too many or too few cells is rejected, never shifted. A quote that is never closed rejects the lines up to
the one where it was opened; reading goes on with the next line.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.findings import data_error, finding, reject
from core.formats.base import MAX_RECORD, Detection, Head
from core.formats.text import Line, damage, lines, shortened
from core.messages import Finding, Reject, Row

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE_ROWS = 200
_NUMERIC = re.compile(r"[+-]?[\d.,]+%?|\d{4}-\d{2}-\d{2}.*")
_MAX_PREAMBLE = 20
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[ \t]*[\r\n]', re.IGNORECASE)  # what Excel writes for itself

csv.field_size_limit(MAX_RECORD)  # the module's own limit of 131,072 characters would refuse long cells


class CsvFormat:
    """Rows of delimited cells."""

    id = "csv"
    title = "CSV"
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".tab", ".txt", ".psv")

    def sniff(self, head: Head) -> float:
        """Low, because any text can be cells; higher than a wrong suffix where the text is plainly a table."""
        if head.suffix in self.suffixes:
            return 0.5
        return 0.65 if is_table(head) else 0.2

    def detect(self, head: Head, overrides: Mapping[str, Any]) -> Detection:
        quote = _one_character(overrides.get("quotechar", '"'), "quotechar")
        named = _SEPARATOR_LINE.match(head.text)
        if overrides.get("delimiter"):
            delimiter = _one_character(overrides["delimiter"], "delimiter")
        else:
            delimiter = named.group(1) if named else guess_delimiter(head, quote)
        rows, broken = _sample(head, delimiter, quote)
        skip = int(overrides["skip_lines"]) if "skip_lines" in overrides else 1 if named else _preamble(rows, delimiter)
        table = [cells for number, cells in rows if number > skip and cells]
        if not table and broken:
            text = f"The quote opened on line {broken} is never closed, and no other row can be read."
            raise data_error("csv_unclosed_quote", text, line=broken)
        if not table:
            raise data_error("no_rows", "There is no row after the lines that were left out.")
        header = bool(overrides["header"]) if overrides.get("header") is not None else has_header(table)
        columns, findings = column_names(table[0], skip + 1) if header else (_numbered(table[0]), ())
        if header and len(table) == 1 and head.complete and not broken:
            raise data_error("no_rows", f"There is a header ({', '.join(columns[:8])}), but no row under it.")
        if skip and not named:
            told = finding("csv_preamble", f"{skip} line(s) before the header were left out.", line=1)
            findings = (told, *findings)
        notes = (
            f"Cells separated by {DELIMITERS.get(delimiter, repr(delimiter))}.",
            f"The first row names the {len(columns)} columns." if header else "No header: columns are numbered.",
        )
        return Detection(
            self.id,
            head.encoding,
            delimiter=delimiter,
            quotechar=quote,
            header=header,
            skip_lines=skip,
            columns=columns,
            notes=notes,
            findings=findings,
        )

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        source = _Source(lines(path, detection.encoding or "utf-8"))
        for _ in range(detection.skip_lines):
            next(source, None)
        records = _records(source, detection)
        if detection.header:
            named = next(records, None)
            if isinstance(named, Reject):  # damage in the header is said, and no row is taken in its place
                yield named
        width = len(detection.columns)
        for item in records:
            if isinstance(item, Reject):
                yield item
                continue
            number, cells, text = item
            if len(cells) == width:
                yield Row(number, dict(zip(detection.columns, cells, strict=True)))
            elif width > 1 and len(cells) == 1 and not cells[0].strip():
                continue  # a line of blanks is an empty line
            else:
                said = f"The row has {len(cells)} cell{'s' if len(cells) != 1 else ''}, the header {width}."
                yield reject("csv_ragged", said, line=number, raw=text)

    def write(self, rows: Iterable[Mapping[str, Any]], path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer: csv.DictWriter[str] | None = None
            for row in rows:
                if writer is None:
                    writer = csv.DictWriter(stream, list(row), quoting=csv.QUOTE_ALL)
                    writer.writeheader()
                writer.writerow(row)


# ---- reading


class _Source:
    """Physical lines with a memory: what a broken record swallowed can be put back."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._again: deque[Line] = deque()
        self.taken: list[Line] = []  # the lines of the record being read

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> Line:
        line = self._again.popleft() if self._again else next(self._source)
        self.taken.append(line)
        return line

    def put_back(self, from_line: int) -> None:
        """Give back the taken lines after the first `from_line` of them."""
        self._again.extendleft(reversed(self.taken[from_line:]))
        del self.taken[from_line:]


_Record = tuple[int, list[str], str]  # line, cells, text verbatim


def _records(source: _Source, detection: Detection) -> Iterator[_Record | Reject]:
    codec = detection.encoding or "utf-8"
    reader = _reader((line.text for line in source), detection.delimiter or ",", detection.quotechar)
    while True:
        source.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken(source, str(error), detection)
            # The reader may have seen the end of the file inside a quote: go on with a new one.
            reader = _reader((line.text for line in source), detection.delimiter or ",", detection.quotechar)
            continue
        first = source.taken[0]
        text = first.text if len(source.taken) == 1 else "".join(line.text for line in source.taken)
        if any(line.too_long for line in source.taken):
            yield _too_long(source)
        elif bad := damage(text, line=first.number, offset=first.offset, codec=codec):
            yield bad
        elif cells:
            yield first.number, cells, text.rstrip("\r\n")


def _reader(texts: Iterable[str], delimiter: str, quote: str | None) -> Any:
    """Strict: text after a closing quote and a quote that never closes are errors, not guesses."""
    if not quote:
        return csv.reader(texts, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(texts, delimiter=delimiter, quotechar=quote, strict=True)


def _broken(source: _Source, reason: str, detection: Detection) -> Reject:
    """The Reject for a record that cannot be read; the lines after the fault go back to be read on their own."""
    first = source.taken[0].number
    if any(line.too_long for line in source.taken) or "field larger" in reason:
        source.put_back(1)
        return _too_long(source)
    opened = _opening_quote([line.text for line in source.taken], detection)
    if opened == len(source.taken) - 1 and "end of data" not in reason:
        text = "".join(line.text for line in source.taken).rstrip("\r\n")
        return reject("csv_quote", "Text follows a closing quote.", line=first, raw=text, at=source.taken[-1].number)
    source.put_back(opened + 1)
    at = source.taken[-1].number
    text = "".join(line.text for line in source.taken).rstrip("\r\n")
    return reject("csv_unclosed_quote", "A quote is opened here and never closed.", line=first, raw=text, at=at)


def _opening_quote(texts: Sequence[str], detection: Detection) -> int:
    """Index of the line on which the last quoted cell begins."""
    quote, delimiter = detection.quotechar or '"', detection.delimiter or ","
    opened, inside = 0, False
    for index, text in enumerate(texts):
        start = True  # at the beginning of a cell
        position = 0
        while position < len(text):
            character = text[position]
            if inside:
                if character == quote and text[position + 1 : position + 2] == quote:
                    position += 1
                elif character == quote:
                    inside = False
                    if text[position + 1 : position + 2] not in (delimiter, "\n", "\r", ""):
                        return opened  # the fault itself
            elif character == quote and start:
                inside, opened = True, index
            start = character == delimiter and not inside
            position += 1
    return opened


def _too_long(source: _Source) -> Reject:
    first = source.taken[0]
    message = f"A line or cell is longer than {MAX_RECORD:,} characters."
    return reject("csv_too_long", message, line=first.number, raw=shortened(first.text))


# ---- detection


def _sample(head: Head, delimiter: str, quote: str) -> tuple[list[tuple[int, list[str]]], int]:
    """(line it starts on, cells) of the first rows, and the line of the first one that cannot be read (0: none)."""
    texts = _physical(head)
    reader = _reader(texts, delimiter, quote)
    rows: list[tuple[int, list[str]]] = []
    broken = 0
    while len(rows) < _SAMPLE_ROWS:
        line = reader.line_num + 1
        try:
            rows.append((line, next(reader)))
        except csv.Error:
            broken = broken or line
        except StopIteration:
            break
    return rows, broken


def _physical(head: Head) -> list[str]:
    texts = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", head.text)
    return texts if head.complete or len(texts) < 2 else texts[:-1]


def guess_delimiter(head: Head, quote: str = '"') -> str:
    """The delimiter that gives most rows the same number of cells, more than one; a comma where none does.

    Text in a single column may hold commas: a delimiter counts only where the first row has as many cells, or most
    rows do. Without such a one, the delimiter that splits the fewest rows is taken.
    """
    scores = {}
    for delimiter in DELIMITERS:
        widths = [len(cells) for _, cells in _sample(head, delimiter, quote)[0] if cells]
        width, rows = max(Counter(widths).items(), key=lambda item: (item[0] > 1) * item[1], default=(1, 0))
        share = rows / max(len(widths), 1)
        if width > 1 and (widths[0] == width or share >= 0.6):
            scores[delimiter] = 1 + share + min(width, 50) / 1_000
        else:
            scores[delimiter] = widths.count(1) / len(widths) if widths else 1.0
    return max(scores, key=lambda delimiter: scores[delimiter])


def is_table(head: Head) -> bool:
    """Whether the text is plainly delimited: two rows or more, all of the same width, above one."""
    if head.text.lstrip()[:1] in ("{", "[", ""):
        return False
    widths = {len(cells) for _, cells in _sample(head, guess_delimiter(head), '"')[0] if cells}
    return len(widths) == 1 and 1 not in widths and len(head.text.split()) > 1


def _preamble(rows: Sequence[tuple[int, list[str]]], delimiter: str) -> int:
    """Physical lines before the header: single cells (a title, a date) above rows that have several.

    Above two columns, a line of one cell may as well be the header of one column whose texts hold a comma: there it
    counts only where a blank line follows it, or where the delimiter is no comma.
    """
    counts = Counter(len(cells) for _, cells in rows if cells)
    width = max(counts, key=lambda cells: (counts[cells], cells), default=1)
    if width < 2:
        return 0
    for index, (line, cells) in enumerate(rows[: _MAX_PREAMBLE + 1]):
        if len(cells) == width:
            if width == 2 and delimiter == "," and index and rows[index - 1][1]:
                return 0
            return line - 1 if any(found for _, found in rows[:index]) else 0
        if len([cell for cell in cells if cell.strip()]) > 1:
            return 0
    return 0


def has_header(table: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: short distinct texts, unlike the cells below."""
    first, rest = table[0], table[1:]
    cells = [cell.strip() for cell in first]
    if not any(cells) or any(_NUMERIC.fullmatch(cell) for cell in cells if cell):
        return False
    if max(map(len, cells)) > 100 or any("\n" in cell for cell in cells):
        return False
    if not rest:
        return True
    for index, cell in enumerate(cells):
        below = [row[index].strip() for row in rest if index < len(row)]
        if cell and below and below.count(cell) > 0.5 * len(below) and len(below) > 2:
            return False  # a label that goes on below is a value
        if cell[-1:] in ("?", ".", "!") and sum(text[-1:] in ("?", ".", "!") for text in below) > 0.5 * len(below):
            return False  # a sentence above sentences
    return True


def column_names(cells: Sequence[str], line: int) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Names for the fields; blank and repeated ones get a name of their own, and a finding."""
    names: dict[str, None] = {}  # in order, and quick to look in: there may be 10,000
    findings: list[Finding] = []
    taken, next_number = set(cells), Counter[str]()
    for index, cell in enumerate(cells, start=1):
        name = cell
        if not cell.strip() or cell in names:
            base = cell if cell.strip() else "column"
            number = index if not cell.strip() else max(next_number[cell], 2)
            while (name := f"{base}_{number}") in taken or name in names:
                number += 1
            next_number[cell] = number + 1
            what = "has no name" if not cell.strip() else f"is named {cell!r} like another one"
            message = f"Column {index} {what}; it is called {name!r} here."
            findings.append(
                finding("csv_header", message, "Give each column a name of its own.", line=line, field=name)
            )
        names[name] = None
    return tuple(names), tuple(findings)


def _numbered(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"column_{index}" for index in range(1, len(cells) + 1))


def _one_character(value: object, name: str) -> str:
    if isinstance(value, str) and len(value) == 1 and value not in "\r\n":
        return value
    raise DataError(f"{name} {value!r} is not a single character.", "Choose one, such as a comma.", field=name)
