"""A profile of each column of a table: type, distinct and empty values, samples.

The first rows are profiled; the rest is only counted, so that a file of 100 MB takes seconds and little memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from core.data.conversion import chat_shapes
from core.data.conversion.cells import cell_text, is_empty
from core.messages import Reject, Row

PROFILED_ROWS = 20_000
_PROFILED_CELLS = 2_000_000  # fewer rows of a very wide table
_DISTINCT_KEPT = 5_000  # distinct values counted per column; beyond, "at least"
_SAMPLES = 5
_SAMPLE_LENGTH = 200
_MAX_COLUMNS = 10_000

ColumnType = Literal["categorical", "number", "text", "date", "boolean", "empty", "json"]

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?%?")
_LEADING_ZERO = re.compile(r"[+-]?0\d")  # an identifier such as 00123, not a number
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?|"
    r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
)
_BOOLEANS = frozenset({"true", "false", "yes", "no", "y", "n", "t", "f", "ja", "nein"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column's profile. `distinct` is a lower bound if `distinct_exact` is False."""

    name: str
    type: ColumnType
    distinct: int
    distinct_exact: bool
    empty: int
    filled: int
    samples: tuple[str, ...]
    mean_length: float


class Profiles:
    """The profiles of a table's columns, row by row.

    Attributes:
        first: the first rows, for recognizing the shape.
        total: rows, rejected ones included.
        profiled: rows that the columns' figures are based on.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._profiles: dict[str, _Profile] = {}
        self.first: list[Row] = []
        self.total = self.rejected = self.profiled = 0
        self._cells = 0

    @property
    def is_full(self) -> bool:
        return self.profiled >= self._limit or self._cells >= _PROFILED_CELLS

    def count(self, rows: int, rejects: int) -> None:
        self.total += rows + rejects
        self.rejected += rejects

    def add(self, row: Row | Reject) -> None:
        if isinstance(row, Reject):
            self.count(0, 1)
            return
        self.count(1, 0)
        if self.is_full:
            return
        self.profiled += 1
        self._cells += len(row.fields)
        if len(self.first) < chat_shapes.SAMPLE:
            self.first.append(row)
        for name, value in row.fields.items():
            if name not in self._profiles and len(self._profiles) < _MAX_COLUMNS:
                self._profiles[name] = _Profile()
            if name in self._profiles:
                self._profiles[name].add(value)

    def columns(self) -> tuple[Column, ...]:
        """The profiles of the columns, in the order of the table."""
        return tuple(profile.column(name, self.profiled) for name, profile in self._profiles.items())


class _Profile:
    """Counts of one column, in bounded memory."""

    def __init__(self) -> None:
        self.filled = self.length = 0
        self.kinds = {"number": 0, "date": 0, "boolean": 0, "json": 0}
        self.values: set[str | int] = set()  # long texts by their hash
        self.samples: list[str] = []

    def add(self, value: Any) -> None:
        if is_empty(value):
            return
        text = cell_text(value)
        self.filled += 1
        self.length += len(text)
        if len(self.values) < _DISTINCT_KEPT:
            before = len(self.values)
            self.values.add(text if len(text) <= 64 else hash(text))
            if len(self.samples) < _SAMPLES and len(self.values) > before:
                self.samples.append(text if len(text) <= _SAMPLE_LENGTH else text[:_SAMPLE_LENGTH] + "…")
        kind = _kind(value, text)
        if kind:
            self.kinds[kind] += 1

    def column(self, name: str, rows: int) -> Column:
        return Column(
            name=name,
            type=self._type(),
            distinct=len(self.values),
            distinct_exact=len(self.values) < _DISTINCT_KEPT,
            empty=rows - self.filled,
            filled=self.filled,
            samples=tuple(self.samples),
            mean_length=round(self.length / self.filled, 1) if self.filled else 0.0,
        )

    def _type(self) -> ColumnType:
        if not self.filled:
            return "empty"
        for kind in ("boolean", "number", "date", "json"):
            # A column of numbers with a few typos is still a column of numbers.
            if self.kinds[kind] >= 0.95 * self.filled:
                return kind
        few = len(self.values) <= max(2, min(200, self.filled * 0.5))
        return "categorical" if few and self.length / self.filled <= 60 and self.filled >= 4 else "text"


def _kind(value: Any, text: str) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | dict):
        return "json"
    stripped = text.strip()
    if len(stripped) > 40:
        return ""
    if stripped.lower() in _BOOLEANS:
        return "boolean"
    if any(character.isdigit() for character in stripped):
        if _NUMBER.fullmatch(stripped) and not _LEADING_ZERO.match(stripped):
            return "number"
        if _DATE.fullmatch(stripped):
            return "date"
    return ""
