"""CSV and similar formats: cells stay text, and every row knows the physical line it starts on.

A row with too many or too few cells is rejected, never shifted. A quote that is never closed rejects the lines up to
the one where it was opened; reading continues on the next line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.data.formats.base import Detection, Format, Head, ReadingChoice
from core.data.formats.csv_dialect.cells import Dialect
from core.data.formats.csv_dialect.guess import guess
from core.data.formats.csv_dialect.header import chosen_names
from core.data.formats.csv_dialect.preamble import preamble, skipped
from core.data.formats.csv_dialect.sample import Lines, sample
from core.data.formats.csv_dialect.swallowed import swallowed
from core.data.formats.csv_dialect.table import Table, odd_rows
from core.data.formats.parsing.batches import BATCH_ROWS, FilePiece, FilePlace, RowBatch
from core.data.formats.parsing.csv_batches import BatchBuilder, drop_header
from core.data.formats.parsing.csv_records import CsvText
from core.data.formats.pieces import csv_pieces
from core.data.issues import data_error, finding
from core.data.reading_options import READING, Reading
from core.messages import Reject, Row
from core.text import plural

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
        lines = Lines.of(head)
        named = _SEPARATOR_LINE.match(head.text)
        begins = chosen.skip_lines or (1 if named else 0)
        if named and not chosen.delimiter:
            chosen = replace(chosen, delimiter=named.group(1))
        guessed = guess(lines.after(begins), chosen)
        dialect = guessed.dialect
        if len(dialect.delimiter) > 1 and dialect.delimiter.strip(" ") not in head.text:
            message = f"The delimiter {dialect.delimiter!r} does not occur in the file."
            raise data_error("csv_delimiter", message, field="delimiter")
        found = sample(lines.after(begins), dialect, begins + 1)
        skip = begins if named or chosen.skip_lines is not None else preamble(found, dialect.delimiter)
        table = Table.of(found, skip, lines)
        if not table.rows and found.broken:
            text = f"The quote opened on line {found.broken[0]} is never closed, so no row can be read."
            raise data_error("csv_unclosed_quote", text, line=found.broken[0])
        if not table.rows:
            raise data_error("no_rows", "There are no rows after the skipped lines.")
        header = table.header(dialect, chosen.header)
        if header.rows and header.is_alone and lines.are_all and not found.broken:
            raise data_error("no_rows", f"The file has a header ({', '.join(header.columns[:8])}) but no rows.")
        findings = (*header.findings, *odd_rows(table, header, dialect, chosen))
        skip = header.skip
        if skip and not named:
            findings = (skipped(skip, "line"), *findings)
        if not guessed.splits:
            findings = (*findings, finding("csv_one_column", "No delimiter was found; each line is one cell."))
        elif (
            len(dialect.delimiter) == 1 and dialect.delimiter not in head.text[named.end() if named else 0 :]
        ):  # chosen by the user, or by a line such as `sep=;`
            where = "in the file" if head.complete else "at the beginning of the file"
            message = f"The delimiter {dialect.delimiter!r} does not occur {where}; each line is one cell."
            findings = (*findings, finding("csv_one_column", message))
        return Detection(
            self.id, head.encoding, delimiter=dialect.delimiter, quotechar=dialect.quote, escape=dialect.escape,
            header=header.rows, skip_lines=skip, comment=dialect.comment, short_rows=chosen.short_rows or "reject",
            long_rows=chosen.long_rows or "reject", columns=chosen_names(header.columns, chosen),
            names=chosen.names or (),
            preamble=tuple(line.rstrip("\r\n")[:500] for line in lines.texts[: min(skip, 50)]),
            notes=_notes(dialect, header.rows, len(header.columns)), findings=findings,
        )  # fmt: skip

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        names = ("delimiter", "quotechar", "escape", "comment", "short_rows", "long_rows", "names")
        first, second, *others = (ReadingChoice.of(name, detected, current) for name in names)
        return (first, second, *layout_choices(detected, current), *others)

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """Count the comments, and look for cells that took rows with them."""
        detection = detection.with_notes(findings=swallowed(path, detection))
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
        return (("Separated by", _delimiter_name(delimiter)), *layout_facts(detection))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        for batch in self.read_batches(path, detection, 2_000):
            yield from batch.items()

    def read_batches(
        self, path: Path, detection: Detection, size: int = BATCH_ROWS, place: FilePlace | None = None
    ) -> Iterator[RowBatch]:
        """The rows column by column; a row with more or fewer cells than the header is rejected, never shifted."""
        made = BatchBuilder(detection)
        header = int(detection.header or 0)
        if place and place.header != ():  # after the header
            header, made.header = 0, list(place.header) if place.header else None
        for block in CsvText(path, detection).blocks(place):
            while header and drop_header(block, made):
                header -= 1
            if block.columns and not made.repeats_header(block):
                yield from made.of_columns(block)
                continue
            made.add(block.in_rows() if block.columns else block)
            if made.is_full(size):
                yield made.take()
        if made.rows or made.rejects:
            yield made.take()

    def pieces(self, path: Path, detection: Detection) -> Iterator[FilePiece]:
        return csv_pieces.pieces(path, detection, CsvText(path, detection).start())


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


def _notes(dialect: Dialect, header: int, width: int) -> tuple[str, ...]:
    """What was detected, in sentences."""
    rows = "The first row names" if header == 1 else f"The first {header} rows name"
    quoted = f"Cells are quoted with {dialect.quote}." if dialect.quote else "Cells are not quoted."
    return (
        f"Cells separated by {_delimiter_name(dialect.delimiter)}.",
        f"{rows} the {plural(width, 'column')}." if header else "No header: columns are numbered.",
        *((quoted,) if dialect.quote != '"' else ()),
        *(("A quote inside a cell follows a backslash.",) if dialect.escape else ()),
    )


def _delimiter_name(delimiter: str) -> str:
    """A delimiter in words: "semicolon"."""
    option = READING["delimiter"].option(delimiter)
    return option.word.replace("-", " and ") if option else READING["delimiter"].text_of(delimiter)


def is_table(head: Head) -> bool:
    """Whether the text is clearly delimited: several rows, all with the same number of cells, more than one."""
    if head.text.lstrip()[:1] in ("{", "[", ""):
        return False
    lines = Lines.of(head)
    widths = {len(cells) for cells in sample(lines, guess(lines, Reading(), common_only=True).dialect).table}
    return len(widths) == 1 and 1 not in widths and len(head.text.split()) > 1
