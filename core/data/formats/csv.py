"""CSV and similar formats: cells stay text, and every row knows the physical line it starts on.

A row with too many or too few cells is rejected, never shifted. A quote that is never closed rejects the lines up to
the one where it was opened; reading continues on the next line.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from core.data.formats.base import Detection, Format, Head, ReadingChoice
from core.data.formats.csv_dialect.cells import Dialect
from core.data.formats.parsing.batches import BATCH_ROWS, RowBatch
from core.data.formats.parsing.csv_batches import BatchBuilder, drop_header
from core.data.formats.parsing.csv_records import CsvText
from core.data.issues import data_error, finding
from core.data.reading_options import Reading
from core.errors import DataError
from core.messages import Finding, Reject, Row
from core.text import plural

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE_ROWS = 200
_NUMERIC = re.compile(r"[+-]?[\d.,]+%?|\d{4}-\d{2}-\d{2}.*")
_MAX_PREAMBLE = 20
_DOUBLE_QUOTED = re.compile(r'(?:^|[,;|\t])"')
_SINGLE_QUOTED = re.compile(r"(?:^|[,;|\t])'[^']*(?:''[^']*)*'(?=[,;|\t\r\n]|$)")
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[ \t]*[\r\n]', re.IGNORECASE)  # written by Excel for its own use


class CsvFormat(Format):
    """Rows of delimited cells."""

    id = "csv"
    label = "CSV"
    suffixes = (".csv", ".tsv", ".tab", ".txt", ".psv")
    can_nest = False
    line_records = True

    def sniff(self, head: Head) -> float:
        """Low, because any text can be cells; higher than a wrong suffix if the text is clearly a table."""
        if head.suffix in self.suffixes:
            return 0.5
        return 0.65 if is_table(head) else 0.2

    def detect(self, head: Head, chosen: Reading) -> Detection:
        quote = guess_quote(head) if chosen.quotechar is None else chosen.quotechar
        named = _SEPARATOR_LINE.match(head.text)
        delimiter = chosen.delimiter or (named.group(1) if named else guess_delimiter(head, quote))
        if len(delimiter) > 1 and delimiter.strip() not in head.text:
            message = f"The delimiter {delimiter!r} does not occur in the file."
            raise data_error("csv_delimiter", message, field="delimiter")
        dialect = Dialect(delimiter, quote, chosen.escape or "", chosen.comment or "")
        rows, broken = _sample(head, dialect)
        skip = chosen.skip_lines
        if skip is None:
            skip = 1 if named else _preamble(rows, delimiter)
        table = [cells for number, cells in rows if number > skip and cells]
        if not table and broken:
            text = f"The quote opened on line {broken} is never closed, so no row can be read."
            raise data_error("csv_unclosed_quote", text, line=broken)
        if not table:
            raise data_error("no_rows", "There are no rows after the skipped lines.")
        header = has_header(table) if chosen.header is None else chosen.header
        columns, findings = _named(table, skip + 1, header) if header else (numbered(table[0]), ())
        if header and len(table) <= header and head.complete and not broken:
            raise data_error("no_rows", f"The file has a header ({', '.join(columns[:8])}) but no rows.")
        preamble = tuple(line.rstrip("\r\n")[:500] for line in _physical(head)[:skip])
        if skip and not named:
            findings = (skipped(skip, "line"), *findings)
        notes = (
            f"Cells separated by {DELIMITERS.get(delimiter, repr(delimiter))}.",
            f"{_header_rows(header)} the {len(columns)} columns." if header else "No header: columns are numbered.",
            *((f"Cells are quoted with {quote}." if quote else "Cells are not quoted.",) if quote != '"' else ()),
        )
        return Detection(
            self.id, head.encoding, delimiter=delimiter, quotechar=quote, escape=dialect.escape, header=header,
            skip_lines=skip, comment=dialect.comment, short_rows=chosen.short_rows or "reject",
            long_rows=chosen.long_rows or "reject", columns=chosen_names(columns, chosen),
            names=chosen.names or (), preamble=preamble[:50], notes=notes,
            findings=findings,
        )  # fmt: skip

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        names = ("delimiter", "quotechar", "escape", "comment", "short_rows", "long_rows", "names")
        first, second, *others = (ReadingChoice.of(name, detected, current) for name in names)
        return (first, second, *layout_choices(detected, current), *others)

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """Count the comments."""
        if not detection.comment:
            return detection
        mark, blocks = detection.comment, CsvText(path, detection).blocks()
        count = sum(
            not cells and text.startswith(mark)
            for block in blocks
            for cells, text in zip(block.rows, block.texts(), strict=True)
        )
        if not count:
            return detection
        message = f"{plural(count, 'line')} that {'begins' if count == 1 else 'begin'} with {mark} "
        message += f"{'was' if count == 1 else 'were'} left out as {'a comment' if count == 1 else 'comments'}."
        return detection.with_notes(findings=[finding("csv_comments", message)])

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        delimiter = detection.delimiter or ""
        return (("Separated by", DELIMITERS.get(delimiter, repr(delimiter))), *layout_facts(detection))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        for batch in self.read_batches(path, detection, 2_000):
            yield from batch.items()

    def read_batches(self, path: Path, detection: Detection, size: int = BATCH_ROWS) -> Iterator[RowBatch]:
        """The rows column by column; a row with more or fewer cells than the header is rejected, never shifted."""
        made = BatchBuilder(detection)
        header = int(detection.header or 0)
        for block in CsvText(path, detection).blocks():
            while header and drop_header(block):
                header -= 1
            if block.columns:
                yield from made.of_columns(block)
                continue
            made.add(block)
            if made.is_full(size):
                yield made.take()
        if made.rows or made.rejects:
            yield made.take()


# ---- choices


def layout_choices(detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
    """Header and lines above it: what a user may change about any table of cells."""
    return tuple(ReadingChoice.of(name, detected, current) for name in ("header", "skip_lines"))


def layout_facts(detection: Detection) -> tuple[tuple[str, str], ...]:
    """The header and the lines above it as facts, where they are not the usual ones."""
    numbered = (("Columns", "numbered, no header"),) if detection.header is False else ()
    above = (("Skipped above", plural(detection.skip_lines, "line")),) if detection.skip_lines else ()
    return (*numbered, *above)


# ---- detection


def _sample(head: Head, dialect: Dialect) -> tuple[list[tuple[int, list[str]]], int]:
    """(line it starts on, cells) of the first rows, and the line of the first one that cannot be read (0: none)."""
    texts = _physical(head)
    reader = dialect.reader(texts)
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


def guess_quote(head: Head) -> str:
    """The quote: a single one only if no cell begins with a double one and most lines have cells in single quotes."""
    texts = [text[:2_000] for text in _physical(head)[:_SAMPLE_ROWS] if text.strip()]
    if not texts or any(_DOUBLE_QUOTED.search(text) for text in texts):
        return '"'
    return "'" if sum(bool(_SINGLE_QUOTED.search(text)) for text in texts) >= 0.6 * len(texts) else '"'


def guess_delimiter(head: Head, quote: str = '"') -> str:
    """The delimiter that gives most rows the same number of cells, more than one; a comma if none does.

    Text in a single column may contain commas: a delimiter counts only if the first row or most rows have that many
    cells. If none counts, the delimiter that splits the fewest rows is used.
    """
    scores = {}
    for delimiter in DELIMITERS:
        widths = [len(cells) for _, cells in _sample(head, Dialect(delimiter, quote))[0] if cells]
        width, rows = max(Counter(widths).items(), key=lambda item: (item[0] > 1) * item[1], default=(1, 0))
        share = rows / max(len(widths), 1)
        if width > 1 and (widths[0] == width or share >= 0.6):
            scores[delimiter] = 1 + share + min(width, 50) / 1_000 + 0.2 * (widths[0] == width)
        else:
            scores[delimiter] = widths.count(1) / len(widths) if widths else 1.0
    return max(scores, key=lambda delimiter: scores[delimiter])


def is_table(head: Head) -> bool:
    """Whether the text is clearly delimited: several rows, all with the same number of cells, more than one."""
    if head.text.lstrip()[:1] in ("{", "[", ""):
        return False
    widths = {len(cells) for _, cells in _sample(head, Dialect(guess_delimiter(head)))[0] if cells}
    return len(widths) == 1 and 1 not in widths and len(head.text.split()) > 1


def _preamble(rows: Sequence[tuple[int, list[str]]], delimiter: str) -> int:
    """Physical lines before the header: single cells (a title, a date) above rows that have several.

    Above two columns, a line of one cell may also be the header of one column whose texts contain commas: there it
    counts only if a blank line follows it, or if the delimiter is not a comma.
    """
    counts = Counter(len(cells) for _, cells in rows if cells)
    width = max(counts, key=lambda cells: (counts[cells], cells), default=1)
    if width < 2:
        return 0
    padded = _is_padded(rows, width)
    for index, (line, cells) in enumerate(rows[: _MAX_PREAMBLE + 1]):
        filled = sum(bool(cell.strip()) for cell in cells)
        if len(cells) == width and (filled > 1 or not padded):
            if width == 2 and delimiter == "," and index and rows[index - 1][1]:
                return 0
            return line - 1 if any(any(found) for _, found in rows[:index]) else 0
        if filled > 1:
            return 0
    return 0


def _is_padded(rows: Sequence[tuple[int, list[str]]], width: int) -> bool:
    """Whether titles above the table may be padded with empty cells, as spreadsheets export them: the table has three
    columns or more, and most of its rows fill most of them."""
    counts = [sum(bool(cell.strip()) for cell in cells) for _, cells in rows if len(cells) == width]
    full = sum(count >= max(2, 0.6 * width) for count in counts)
    return width >= 3 and full >= 2 and full >= 0.6 * len(counts)


def find_preamble(table: Sequence[tuple[int, list[str]]]) -> int:
    """The last row before the header in a table whose rows all have one width: titles fill a single cell."""
    if not table or not _is_padded(table, len(table[0][1])):
        return 0
    before = 0
    for line, cells in table[: _MAX_PREAMBLE + 1]:
        if sum(bool(cell.strip()) for cell in cells) > 1:
            return before
        before = line
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
            return False  # a label that is repeated below is a value
        if cell[-1:] in ("?", ".", "!") and sum(text[-1:] in ("?", ".", "!") for text in below) > 0.5 * len(below):
            return False  # a sentence above other sentences
    return True


def column_names(cells: Sequence[str], line: int) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Names for the fields; blank and repeated ones get a new name and a finding."""
    names: dict[str, None] = {}  # a dict: in order, and fast to search among 10,000
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
            what = "has no name" if not cell.strip() else f"has the same name as another one ({cell!r})"
            message = f"Column {index} {what}; it was renamed to {name!r}."
            findings.append(finding("csv_header", message, "Give each column a unique name.", line=line, field=name))
        names[name] = None
    return tuple(names), (*findings, *_alike(names, line))


def _header_rows(count: int) -> str:
    return "The first row names" if count == 1 else f"The first {count} rows name"


def joined_header(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of several header rows: the texts above a column, from top to bottom."""
    wide = max(map(len, rows))
    columns = [[row[index].strip() for row in rows if index < len(row)] for index in range(wide)]
    return [" ".join(dict.fromkeys(text for text in column if text)) for column in columns]


def _named(table: Sequence[Sequence[str]], line: int, count: int) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The names of the columns, also if only the header ends with a delimiter, or every row but the header: a blank
    last column is added or dropped, which shifts no cell.

    Args:
        count: how many rows the header has.
    """
    first = list(table[0]) if count == 1 else joined_header(table[:count])
    rest = [cells for cells in table[count:] if cells]
    for difference in (1, -1):
        alike = [cells for cells in rest if len(cells) == len(first) + difference]
        ends = alike if difference == 1 else [first]
        if len(alike) > 1 and len(alike) >= 0.9 * len(rest) and not any(cells[-1].strip() for cells in ends):
            if difference == 1:
                return column_names([*first, ""], line)
            columns, findings = column_names(first[:-1], line)
            message = f"The header ends with a delimiter but the rows do not; the file has {len(columns)} columns."
            remedy = "Remove it from the header."
            return columns, (finding("csv_header", message, remedy, line=line), *findings)
    return column_names(first, line)


def _alike(names: Iterable[str], line: int) -> list[Finding]:
    """A finding for each name that differs from another only in case or blanks; both columns are used."""
    seen: dict[str, str] = {}
    findings = []
    for name in names:
        first = seen.setdefault(" ".join(name.split()).casefold(), name)
        if first != name:
            message = f"Columns {first!r} and {name!r} differ only in case or blanks; they are separate columns."
            findings.append(finding("csv_header", message, "Check that you use the right one.", line=line, field=name))
    return findings


def skipped(count: int, what: str) -> Finding:
    """The finding about lines or rows above the header."""
    text = f"{plural(count, what)} before the header {'was' if count == 1 else 'were'} skipped."
    return finding("csv_preamble", text, line=1)


def chosen_names(columns: tuple[str, ...], chosen: Reading) -> tuple[str, ...]:
    """The names that a user chose for the columns, or these.

    Raises:
        DataError: there are more or fewer names than columns, or a name twice.
    """
    names = chosen.names
    if not names:
        return columns
    if len(names) != len(columns) or len(set(names)) < len(names):
        what = f"there are {len(columns)} columns" if len(names) != len(columns) else "a name appears twice"
        raise DataError(f"{plural(len(names), 'name')} for the columns, but {what}.", field="names")
    return names


def numbered(cells: Sequence[str]) -> tuple[str, ...]:
    """Names for the columns of a table without a header."""
    return tuple(f"column_{index}" for index in range(1, len(cells) + 1))
