"""Which delimiter, quote and escape a CSV has: what gives most of its first records the same number of cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from core.data.formats.csv_dialect.cells import Dialect
from core.data.formats.csv_dialect.sample import CsvSample, Lines, sample
from core.data.reading_options import Reading

COMMON = (",", ";", "\t", "|")
RARE = ("^", "~", "\x01", ":", " ")  # accepted only where nearly all rows agree
_LOOKED_AT = 200  # lines
_COMMENT = "#"
_TIME_OR_ADDRESS = re.compile(r"(?<!\w)\d{1,2}:\d\d(?!\d)|://|\b[A-Za-z]:\\")
_DOUBLE_QUOTED = re.compile(r'(?:^|[,;|\t:^~\x01 ])"')
_SINGLE_QUOTED = re.compile(r"(?:^|[,;|\t:^~\x01 ])'[^']*(?:''[^']*)*'(?=[,;|\t:^~\x01 \r\n]|$)")


@dataclass(frozen=True, slots=True)
class Guess:
    """A dialect. `splits`: whether its delimiter makes columns; else every line is one cell, or prose."""

    dialect: Dialect
    splits: bool


@lru_cache(maxsize=8)  # the formats are asked one after another
def guess(lines: Lines, chosen: Reading, common_only: bool = False) -> Guess:
    """The dialect of a file; what was chosen is not guessed.

    Args:
        common_only: leave out delimiters that prose contains as well.
    """
    quote = _quote(lines) if chosen.quotechar is None else chosen.quotechar
    rules = Dialect(quote=quote, escape=chosen.escape or "", comment=chosen.comment or "")
    if chosen.comment is None and lines.texts and lines.texts[0].startswith(_COMMENT):
        rules = replace(rules, comment=_COMMENT)
    if chosen.delimiter:
        return Guess(_refined(lines, replace(rules, delimiter=chosen.delimiter), chosen), True)
    best, best_score = Guess(rules, False), -1.0
    text = "".join(lines.texts[:_LOOKED_AT])
    for delimiter in COMMON if common_only else (*COMMON, *RARE):
        if delimiter in RARE and delimiter not in text:
            continue
        refined = _refined(lines, replace(rules, delimiter=delimiter), chosen)
        found = sample(lines, refined)
        score, splits = _score(found, refined, text)
        if score > best_score:
            best, best_score = Guess(refined, splits), score
    if chosen.comment is None and rules.comment and (not best.splits or _names_columns(lines, best.dialect)):
        return guess(lines, replace(chosen, comment=""), common_only)
    return best


def _names_columns(lines: Lines, dialect: Dialect) -> bool:
    """Whether the last of the first comments is the header (#id, question, answer); one column: a heading."""
    above = takewhile(lambda text: text.startswith(dialect.comment) or not text.strip(), lines.texts)
    (*_, last) = [text for text in above if text.strip()]
    width, _ = sample(lines, dialect).width()
    plain = replace(dialect, comment="")
    return not last[len(dialect.comment) :].startswith(" ") and len(next(iter(plain.reader([last])), [])) == width


def _score(found: CsvSample, dialect: Dialect, text: str) -> tuple[float, bool]:
    """How well a delimiter fits, and whether it makes columns.

    Text in a single column may contain commas: a delimiter counts only if the first row or most rows have that many
    cells. If none counts, the delimiter that splits the fewest rows is used.
    """
    table = found.table
    width, share = found.width()
    if not table or width < 2:
        return (1.0 if dialect.delimiter in COMMON else 0.0), False
    first = len(table[0]) == width
    singles = sum(len(cells) == 1 for cells in table) / len(table)
    if dialect.delimiter[0] in RARE:
        if not _is_rare_table(table, width, dialect, text) or not first or share < 0.9:
            return 0.0, False
        return 0.7 + share + min(width, 50) / 1_000 + 0.2, True
    if (first or share >= 0.6) and not _is_prose(table, first):
        return 1 + share + min(width, 50) / 1_000 + 0.2 * first, True
    return singles, False


def _is_rare_table(table: list[list[str]], width: int, dialect: Dialect, text: str) -> bool:
    """Whether a character that prose and values contain as well separates cells here."""
    if len(table) < 2:
        return False
    if dialect.delimiter == ":":
        lines = text.splitlines()
        odd = sum(bool(_TIME_OR_ADDRESS.search(line)) or ": " in line for line in lines)
        return odd <= 0.1 * len(lines)
    if dialect.delimiter == " ":
        quoted = text.count(f"{dialect.quote} {dialect.quote}") if dialect.quote else 0
        return bool(quoted) or (width >= 3 and len(table) >= 5)
    return True


def _is_prose(table: list[list[str]], first: bool) -> bool:
    """Whether the commas are those of sentences: below a name without one, a space follows each."""
    later = [cell for cells in table for cell in cells[1:] if cell]
    return not first and len(table[0]) == 1 and _spaced(later) > 0.9


def _spaced(cells: list[str]) -> float:
    return sum(cell[0] == " " for cell in cells) / len(cells) if cells else 0.0


# ---- quotes, escapes, spaces


def _quote(lines: Lines) -> str:
    """The quote: a single one only if no cell begins with a double one and most lines have cells in single quotes."""
    texts = [text[:2_000] for text in lines.texts[:_LOOKED_AT] if text.strip()]
    if not texts or any(_DOUBLE_QUOTED.search(text) for text in texts):
        return '"'
    return "'" if sum(bool(_SINGLE_QUOTED.search(text)) for text in texts) >= 0.6 * len(texts) else '"'


def _refined(lines: Lines, dialect: Dialect, chosen: Reading) -> Dialect:
    """The dialect with the escape, the space after the delimiter and the quoting that leave the fewest faults."""
    found = sample(lines, dialect)
    if chosen.delimiter is None and _has_space_after(found, dialect):
        spaced = replace(dialect, delimiter=dialect.delimiter + " ")
        other = sample(lines, spaced)
        if _faults(other) <= _faults(found) and other.width()[1] >= found.width()[1]:
            dialect, found = spaced, other
    quote = dialect.quote
    if not quote or not _faults(found):
        return dialect
    if chosen.escape is None and any(f"\\{quote}" in text for text in lines.texts):
        escaped = replace(dialect, escape="\\")
        other = sample(lines, escaped)
        if (len(other.broken), _faults(other)) < (len(found.broken), _faults(found)):
            dialect, found = escaped, other
    if chosen.quotechar is None and _is_unquoted(lines, dialect):
        return replace(dialect, quote="", escape="")
    return dialect


def _faults(found: CsvSample) -> int:
    """Records that cannot be read, and cells that contain line ends."""
    return len(found.broken) + sum("\n" in cell for _, cells in found.rows for cell in cells)


def _has_space_after(found: CsvSample, dialect: Dialect) -> bool:
    """Whether a space follows nearly every delimiter, and not only those of sentences."""
    if len(dialect.delimiter) > 1 or dialect.delimiter == " ":
        return False
    table = found.table
    cells = [cell for row in table for cell in row[1:] if cell]
    if len(cells) < 2 or _spaced(cells) < 0.95:
        return False
    quoted = bool(dialect.quote) and any(cell.startswith(f" {dialect.quote}") for cell in cells)
    return quoted or len({len(row) for row in table}) == 1


def _is_unquoted(lines: Lines, dialect: Dialect) -> bool:
    """Whether quotes are plain characters: without quoting all lines have the same number of cells, and hardly any
    cell is enclosed in quotes."""
    plain = sample(lines, replace(dialect, quote="", escape=""))
    width, share = plain.width()
    if width < 2 or share < 0.98:
        return False
    mark = dialect.quote
    ends = [(cell.startswith(mark), cell.endswith(mark)) for row in plain.table for cell in row if mark in cell]
    enclosed, odd = sum(first and last for first, last in ends), sum(first != last for first, last in ends)
    # What writes tabs and control characters often has no quotes; what writes commas has them, and one is a fault.
    return odd >= (2 if dialect.delimiter[0] in ",;" else 1) and 2 * enclosed <= odd
