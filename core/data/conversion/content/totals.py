"""Total rows: the last line of a sheet that sums the lines above, and subtotals between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.data.conversion.content import numbers
from core.data.conversion.content.words import words
from core.data.conversion.profiles import Column, SampledRow

_LEAST_ROWS = 3  # that a total sums
_WORDS = 4  # of a cell such as "Total for March"
_EXACT = 0.011  # by which a rounded sum may differ, for each hundred of rows or a part of it


@dataclass(frozen=True, slots=True)
class TotalRow:
    """A row that sums others.

    Attributes:
        line: on which it starts.
        label: what it is called, such as "Summe"; "" if only its numbers show it.
        sums: columns whose number is the sum of the rows above.
    """

    line: int
    label: str
    sums: tuple[str, ...]


def total_rows(columns: Sequence[Column], rows: Sequence[SampledRow], last: SampledRow | None) -> tuple[TotalRow, ...]:
    """The rows that are called totals, and the last row if it sums the others.

    Args:
        rows: the sampled rows, in their order.
        last: the last row of the file, if it is not one of them; then its sums are unknown.
    """
    numeric = [column for column in columns if column.type == "number"]
    others = [column for column in columns if column.type not in ("number", "empty") and column.is_usable]
    if not numeric:
        return ()
    found: list[TotalRow] = []
    candidates = [*rows, *([last] if last else [])]
    for place, row in enumerate(candidates):
        cells = row.cells
        label = _label(cells, others)
        if not label and place < len(candidates) - 1:
            continue
        known = {item.line for item in found}
        above = [other for other in rows[:place] if other.line not in known]
        sums = _sums(numeric, above, cells) if row is not last else ()
        named = label and any(column.name in cells for column in numeric)
        certain = sums or place == len(candidates) - 1 or len(others) > 1
        if (named and certain) or (not last and _is_unlabeled_total(cells, others, sums)):
            found.append(TotalRow(row.line, label, sums))
    return tuple(found)


def _label(cells: Mapping[str, str], others: Sequence[Column]) -> str:
    """The cell that calls the row a total; "" if there is none, or if most of the other texts are filled, too."""
    filled = [cells[column.name].strip() for column in others if column.name in cells]
    label = next((text for text in filled if called_total(text)), "")
    usual = sum(_mostly_filled(column) for column in others)
    return label if (len(filled) - 1) * 2 <= max(usual - 1, 0) else ""


def _mostly_filled(column: Column) -> bool:
    return (column.empty - 1) * 5 <= column.filled  # the total row itself is one of the empty ones


def called_total(text: str) -> bool:
    """Whether a cell is the name of a total row, such as “Total for March”."""
    if len(text) > 40:
        return False
    parts = re.split(r"\s+", text.casefold().strip(" :.-–=*()"))
    known = words().totals
    return len(parts) <= _WORDS and (" ".join(parts) in known or parts[0] in known or " ".join(parts[:2]) in known)


def _sums(numeric: Sequence[Column], above: Sequence[SampledRow], cells: Mapping[str, str]) -> tuple[str, ...]:
    if len(above) < _LEAST_ROWS:
        return ()
    found = []
    for column in numeric:
        total = _value(column, cells)
        if not total:
            continue
        addends = [value for row in above if (value := _value(column, row.cells)) is not None]
        if len(addends) >= _LEAST_ROWS and abs(sum(addends) - total) <= _EXACT * (1 + len(addends) // 100):
            found.append(column.name)
    return tuple(found)


def _value(column: Column, cells: Mapping[str, str]) -> float | None:
    text = cells.get(column.name)
    decimals: numbers.Style = "either" if column.decimals == "mixed" else column.decimals
    return None if text is None else numbers.value(text.strip(), decimals)


def _is_unlabeled_total(cells: Mapping[str, str], others: Sequence[Column], sums: tuple[str, ...]) -> bool:
    """Whether several columns sum the others, or one does and the texts that every other row has are missing."""
    missing = [column for column in others if column.name not in cells and _mostly_filled(column)]
    return bool(sums) and (bool(missing) or len(sums) > 1)
