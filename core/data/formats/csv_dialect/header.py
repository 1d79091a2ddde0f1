"""Which rows name the columns of a table, and which name belongs to which column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from core.data.issues import finding
from core.data.reading_options import Reading, how
from core.errors import DataError
from core.messages import Finding
from core.text import plural

_MOST_ROWS = 3  # rows of a header that are detected
_LONG = 100  # characters: a longer cell is usually a text, not a name
_SENTENCE_ENDS = ("?", ".", "!")
_MOST_SAME = 0.9  # the share of rows with one width, where only the header differs from them

_NUMBER = r"[-+(]?\s?[$€£¥]?\s?\d[\d.,' ]*\s?(?:%|[$€£¥]|[A-Z]{3})?\)?|[.,]\d+"
_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T,].*)?"
_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?\s?(?:[AaPp]\.?[Mm]\.?)?"
_VALUE = re.compile(f"(?:{_NUMBER}|{_DATE}|{_TIME})")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[^@\s]+@[^@\s]+\.\w+")
_MISSING = frozenset({"", "-", "--", "?", "n/a", "na", "nan", "nil", "none", "null", "unknown", "#n/a"})
# Kinds of cells, and the names that columns of such cells usually have.
_NAMES = {
    "date": re.compile(
        r"date|datum|day|tag|fecha|jour|data|time|zeit|hora|heure|created|updated|timestamp", re.IGNORECASE
    ),
    "number": re.compile(
        r"price|preis|prix|precio|amount|betrag|qty|quantity|menge|count|anzahl|number|nummer|no\b|nr\b|id\b|index|age|alter|"
        r"year|jahr|score|rating|size|weight|total|sum|percent|rate|cost",
        re.IGNORECASE,
    ),
    "address": re.compile(r"url|link|web|site|href|mail|image|photo", re.IGNORECASE),
    "text": re.compile(
        r"text|description|beschreibung|comment|body|message|question|answer|frage|antwort|notes?\b|title|content|"
        r"name|summary|review",
        re.IGNORECASE,
    ),
}


def is_value(cell: str) -> bool:
    """Whether a cell is a number, an amount, a date or a time, and so not the name of a column."""
    return bool(_VALUE.fullmatch(cell.strip()))


def header_rows(table: Sequence[Sequence[str]]) -> int:
    """How many rows at the beginning of a table name the columns (0 to 3)."""
    cells = [cell.strip() for cell in table[0]]
    if not any(cells) or any(is_value(cell) for cell in cells if cell):
        return 0
    typed = _typed_columns(table)
    named = [index for index in typed if index < len(cells) and cells[index].casefold() not in _MISSING]
    if not named and not _is_named(cells, table[1:]):
        return 0
    count = 1
    while count < _MOST_ROWS and len(table) > count + 1 and _goes_on(table, count, typed):
        count += 1
    return count


def _typed_columns(table: Sequence[Sequence[str]]) -> list[int]:
    """The columns whose cells are values, below what may be a header."""
    below = table[_MOST_ROWS:] if len(table) > 2 * _MOST_ROWS else table[1:]
    found = []
    for index in range(len(table[0])):
        filled = [row[index] for row in below if index < len(row) and row[index].strip().casefold() not in _MISSING]
        if len(filled) > 1 and sum(map(is_value, filled)) >= 0.8 * len(filled):
            found.append(index)
    return found


def _is_named(cells: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is unlike the cells below: short distinct texts, or long ones above a few short answers."""
    if max(map(len, cells)) > _LONG or any("\n" in cell for cell in cells):
        return any(
            _is_question(cell, [row[index] for row in rest if index < len(row)]) for index, cell in enumerate(cells)
        )
    for index, cell in enumerate(cells):
        below = [row[index].strip() for row in rest if index < len(row)]
        if cell and below and below.count(cell) > 0.5 * len(below) and len(below) > 2:
            return False  # a label that is repeated below is a value
        if cell[-1:] in _SENTENCE_ENDS and sum(text[-1:] in _SENTENCE_ENDS for text in below) > 0.5 * len(below):
            return False  # a sentence above other sentences
    return True


def _is_question(cell: str, below: Sequence[str]) -> bool:
    """Whether a cell is the question of a survey above its answers, which are few and short."""
    filled = [text.strip() for text in below if text.strip()]
    return len(filled) > 3 and len(set(filled)) <= 0.5 * len(filled) and len(cell) > 3 * max(map(len, filled))


def _goes_on(table: Sequence[Sequence[str]], at: int, typed: Sequence[int]) -> bool:
    """Whether this row belongs to the header too: it repeats the first one, or has names above columns of values."""
    row = [cell.strip() for cell in table[at]]
    if row == [cell.strip() for cell in table[0]] and len(row) > 1:
        return True
    if len(typed) < 2 or len(row) != len(table[0]):
        return False
    names = [row[index] for index in typed]
    return len(set(names)) > 1 and not any(name.casefold() in _MISSING or is_value(name) for name in names)


# ---- names


def joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of several header rows: the different texts above each column, from top to bottom."""
    if len(rows) == 1:
        return list(rows[0])
    columns = [[row[index].strip() for row in rows if index < len(row)] for index in range(max(map(len, rows)))]
    return [" ".join(dict.fromkeys(text for text in column if text)) for column in columns]


def names_for(
    header: Sequence[str], rows: Sequence[Sequence[str]], line: int
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The names of the columns, also where only the header has another number of cells than nearly all rows.

    Blank cells at the end are added or dropped. Where a name is missing or redundant, the look of the columns says
    which; that is a finding.

    Args:
        rows: some rows below the header.
        line: of the header.
    """
    rest = [cells for cells in rows if any(cells)]
    counts = Counter(map(len, rest))
    width = max(counts, key=lambda cells: counts[cells], default=len(header))
    difference = width - len(header)
    alike = [cells for cells in rest if len(cells) == width]
    if not difference or len(alike) < 2 or len(alike) < _MOST_SAME * len(rest) or _is_unquoted(alike, difference):
        return column_names(header, line)
    if difference > 0 and not any(cell.strip() for cells in alike for cell in cells[len(header) :]):
        return column_names([*header, *[""] * difference], line)
    if difference < 0 and not any(cell.strip() for cell in header[width:]):
        columns, findings = column_names(header[:width], line)
        message = f"The header ends with a delimiter but the rows do not; the file has {len(columns)} columns."
        return columns, (finding("csv_header", message, "Remove it from the header.", line=line), *findings)
    if abs(difference) > 1:
        return column_names(header, line)
    return _matched(list(header), alike, line)


def _is_unquoted(rows: Sequence[Sequence[str]], difference: int) -> bool:
    """Whether rows are wider than the header because of the commas in their last text or number."""
    if difference < 1:
        return False
    last = [cells[-1] for cells in rows if cells[-1]]
    if not last:
        return False
    spaced = sum(cell[0] == " " for cell in last)
    thousands = sum(bool(re.fullmatch(r"\d{3}", cells[-1]) and re.search(r"\d$", cells[-2])) for cells in rows)
    return max(spaced, thousands) >= 0.5 * len(last)


def _matched(
    header: list[str], rows: Sequence[Sequence[str]], line: int
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The names where the header has one cell too few or too many."""
    kinds = [_kind([cells[index] for cells in rows]) for index in range(len(rows[0]))]
    if len(header) < len(kinds):
        if _counts_up([cells[0] for cells in rows]):
            at = 0  # row numbers without a name, as R and pandas write them
        else:
            at = max(range(len(kinds)), key=lambda index: (_fit([*header[:index], "", *header[index:]], kinds), -index))
        columns, findings = column_names([*header[:at], "", *header[at:]], line)
        message = (
            f"The header has {plural(len(header), 'cell')} but the rows have {len(kinds)}; column {at + 1} has no name."
        )
    else:
        blank = [index for index, cell in enumerate(header) if not cell.strip()]
        at = max(
            blank or range(len(header)), key=lambda index: (_fit(header[:index] + header[index + 1 :], kinds), index)
        )
        columns, findings = column_names(header[:at] + header[at + 1 :], line)
        name = f"{header[at]!r}" if header[at].strip() else "a blank one"
        message = f"The header has {plural(len(header), 'cell')} but the rows have {len(kinds)}; {name} is not used."
    remedy = f"Check that each name is above its column; correct the header, or choose {how('header', False)}."
    return columns, (finding("csv_header", message, remedy, line=line), *findings)


def _kind(cells: Sequence[str]) -> str:
    """What most cells of a column are, as a key of _NAMES; "" where they are blank."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return ""
    tests: dict[str, Callable[[str], object]] = {
        "date": lambda cell: re.fullmatch(f"{_DATE}|{_TIME}", cell),
        "number": is_value,
        "address": _ADDRESS.fullmatch,
    }
    for kind, test in tests.items():
        if sum(bool(test(cell)) for cell in filled) > 0.5 * len(filled):
            return kind
    return "text"


def _fit(names: Sequence[str], kinds: Sequence[str]) -> int:
    """How many names suit the cells below them, less those that suit others."""
    fit = 0
    for name, kind in zip(names, kinds, strict=True):
        suits = [other for other, pattern in _NAMES.items() if name.strip() and pattern.search(name)]
        fit += (kind in suits) - bool(suits and kind and kind not in suits)
    return fit


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether cells are consecutive whole numbers."""
    numbers = [int(cell) for cell in cells if cell.strip().isdecimal()]
    return len(numbers) == len(cells) and all(after == before + 1 for before, after in pairwise(numbers))


def column_names(cells: Sequence[str], line: int) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Names for the fields; blank and repeated ones get a new name and a finding.

    A byte order mark in front of a name is left out: a file may begin with two.
    """
    cells = [cell.lstrip("\ufeff").strip('"') if cell.startswith("\ufeff") else cell for cell in cells]
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


def numbered(width: int) -> tuple[str, ...]:
    """Names for the columns of a table without a header."""
    return tuple(f"column_{index}" for index in range(1, width + 1))
