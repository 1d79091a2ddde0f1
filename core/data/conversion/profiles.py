"""A profile of each column of a table: type, distinct and empty values, samples.

The first rows are profiled; the rest is only counted, so that a file of 100 MB takes seconds and little memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self

from core.data.conversion import chat_shapes
from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.content import numbers
from core.data.conversion.content.signals import ColumnContent, measure
from core.data.formats.parsing.batches import RowBatch
from core.messages import Reject, Row

PROFILED_ROWS = 20_000
_PROFILED_CELLS = 2_000_000  # fewer rows of a very wide table
_DISTINCT_KEPT = 5_000  # distinct values counted per column; beyond, "at least"
_SAMPLES = 5
_SAMPLE_LENGTH = 200
_MAX_COLUMNS = 10_000
_LABELS = 200  # distinct values up to which a column may have labels
_LABEL_LENGTH = 60
_PROSE_LABELS = 20  # more different sentences are texts that repeat
SAMPLED_ROWS = 300  # whose cells are looked into
_SAMPLED_CELL = 2_000  # characters of a cell
_SAMPLED_CHARACTERS = 2_000_000

Decimals = Literal["point", "comma", "either", "mixed"]
ColumnType = Literal["categorical", "number", "text", "date", "boolean", "empty", "json"]

_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?|"
    r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
)
_BOOLEANS = frozenset({"true", "false", "yes", "no", "y", "n", "t", "f", "ja", "nein"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column's profile.

    Attributes:
        distinct: a lower bound if `distinct_exact` is False.
        labels: all values of a column of few, in the order of their first appearance; () of any other column.
        decimals: which sign separates the decimals of its numbers; "mixed" where both occur.
        decimals_shown: where they are mixed, a number of each kind.
        content: what a sample of its cells looks like.
    """

    name: str
    type: ColumnType
    distinct: int
    distinct_exact: bool
    empty: int
    filled: int
    samples: tuple[str, ...]
    mean_length: float
    labels: tuple[str, ...] = ()
    decimals: Decimals = "either"
    decimals_shown: tuple[str, ...] = ()
    content: ColumnContent = field(default_factory=ColumnContent)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The inverse of dataclasses.asdict after its way through JSON."""
        content = dict(raw["content"])
        content["personal"] = tuple((kind, count) for kind, count in content["personal"])
        lists = {name: tuple(raw[name]) for name in ("samples", "labels", "decimals_shown")}
        return cls(**{**raw, **lists, "content": ColumnContent(**content)})

    @property
    def is_usable(self) -> bool:
        """Whether enough of its cells are filled to learn anything from it."""
        rows = self.filled + self.empty
        return self.filled > 0 and (rows < 5 or (self.filled > 1 and self.filled >= 0.2 * rows))

    @property
    def is_filled(self) -> bool:
        """Whether so many of its cells are filled, and not all alike, that it may be an input or output."""
        return self.filled > 0 and self.filled >= 0.5 * (self.filled + self.empty) and self.distinct > (self.filled > 3)

    @property
    def is_personal(self) -> bool:
        """Whether it consists of personal data: names of people, addresses, numbers of phones or accounts."""
        content = self.content
        most = max((count for _, count in content.personal), default=0)
        return content.names_people or (content.words < 6 and most > 0 and most * 2 >= content.searched)

    @property
    def has_texts(self) -> bool:
        """Whether it has texts, rather than ids, dates, numbers or addresses."""
        return self.type in ("text", "categorical") and not self.content.identifier and self.content.letters >= 0.5

    @property
    def has_labels(self) -> bool:
        """Whether it has labels: few values, short, each in several rows."""
        return (
            (self.type in ("categorical", "boolean") or (self.type == "number" and self.distinct <= 20))
            and 2 <= self.distinct <= max(2, self.filled // 2)
            and self.filled >= 4
            and self.mean_length <= _LABEL_LENGTH
            and not self.content.identifier
            and not (self.content.prose and self.distinct > _PROSE_LABELS)
            and (self.type != "number" or self.decimals == "either")
        )


class SampledRow(NamedTuple):
    """A row that is looked into: the line on which it starts, and its filled cells as text."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RowTotals:
    """How many rows and rejects a part of a file has, and its last row."""

    rows: int
    rejects: int
    last: Row | None

    @classmethod
    def of(cls, batches: Iterable[RowBatch]) -> Self:
        """The tally of batches that follow each other."""
        rows, rejects, last = 0, 0, None
        for batch in batches:
            rows, rejects = rows + len(batch), rejects + len(batch.rejects)
            if len(batch):
                last = Row(batch.lines[-1], {name: batch.cells[name][-1] for name in batch.columns})
        return cls(rows, rejects, last)


class Profiles:
    """The profiles of a table's columns, row by row.

    Attributes:
        first: the first rows, for recognizing the shape.
        sample: the first rows, their filled cells as text, for looking into them.
        last: the last row.
        total: rows, rejected ones included.
        profiled: rows that the columns' figures are based on.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._profiles: dict[str, _Profile] = {}
        self.first: list[Row] = []
        self.sample: list[SampledRow] = []
        self.last: Row | None = None
        self._sampled = 0
        self.total = self.rejected = self.profiled = 0
        self._cells = 0

    @property
    def is_full(self) -> bool:
        return self.profiled >= self._limit or self._cells >= _PROFILED_CELLS

    def count(self, rows: int, rejects: int) -> None:
        self.total += rows + rejects
        self.rejected += rejects

    def skip(self, tally: RowTotals) -> None:
        """Count rows, once enough are profiled."""
        self.count(tally.rows, tally.rejects)
        self.last = tally.last or self.last

    def add(self, row: Row | Reject) -> None:
        if isinstance(row, Reject):
            self.count(0, 1)
            return
        self.count(1, 0)
        self.last = row
        if self.is_full:
            return
        self.profiled += 1
        self._cells += len(row.fields)
        if len(self.first) < chat_shapes.SAMPLE:
            self.first.append(row)
        if len(self.sample) < SAMPLED_ROWS and self._sampled < _SAMPLED_CHARACTERS:
            self.sample.append(sampled(row))
            self._sampled += sum(map(len, self.sample[-1].cells.values()))
        for name, value in row.fields.items():
            if name not in self._profiles and len(self._profiles) < _MAX_COLUMNS:
                self._profiles[name] = _Profile()
            if name in self._profiles:
                self._profiles[name].add(value)

    def columns(self) -> tuple[Column, ...]:
        """The profiles of the columns, in the order of the table."""
        return tuple(
            profile.column(name, self.profiled, measure(name, self._cells_of(name)))
            for name, profile in self._profiles.items()
        )

    def _cells_of(self, name: str) -> list[str]:
        return [row.cells[name] for row in self.sample if name in row.cells]


def sampled(row: Row) -> SampledRow:
    """A row with its filled cells as text, cut where they are long."""
    cells = {name: cell_text(value)[:_SAMPLED_CELL] for name, value in row.fields.items() if not is_empty(value)}
    return SampledRow(row.line, cells)


class _Profile:
    """Counts of one column, in bounded memory."""

    def __init__(self) -> None:
        self.filled = self.length = 0
        self.kinds = {"number": 0, "date": 0, "boolean": 0, "json": 0}
        self.decimals: dict[numbers.Style, int] = {"point": 0, "comma": 0, "either": 0}
        self.shown: dict[str, str] = {}
        self.values: dict[str | int, None] = {}  # long texts by their hash
        self.samples: list[str] = []

    def add(self, value: Any) -> None:
        if is_empty(value):
            return
        text = cell_text(value)
        self.filled += 1
        self.length += len(text)
        if len(self.values) < _DISTINCT_KEPT:
            before = len(self.values)
            self.values[text if len(text) <= 64 else hash(text)] = None
            if len(self.samples) < _SAMPLES and len(self.values) > before:
                self.samples.append(text if len(text) <= _SAMPLE_LENGTH else text[:_SAMPLE_LENGTH] + "…")
        kind = _kind(value, text)
        if kind in self.decimals:
            self.decimals[kind] += 1
            if kind not in self.shown:
                self.shown[kind] = text.strip()
            kind = "number"
        if kind:
            self.kinds[kind] += 1

    def column(self, name: str, rows: int, content: ColumnContent) -> Column:
        kind = self._type()
        return Column(
            name=name,
            type=kind,
            distinct=len(self.values),
            distinct_exact=len(self.values) < _DISTINCT_KEPT,
            empty=rows - self.filled,
            filled=self.filled,
            samples=tuple(self.samples),
            mean_length=round(self.length / self.filled, 1) if self.filled else 0.0,
            labels=self._labels(),
            decimals=self._decimals(),
            decimals_shown=tuple(self.shown[sign] for sign in ("comma", "point") if self._decimals() == "mixed"),
            content=replace(content, identifier=False) if kind == "date" else content,
        )

    def _labels(self) -> tuple[str, ...]:
        texts = tuple(value for value in self.values if isinstance(value, str))
        few = 2 <= len(self.values) <= min(_LABELS, max(2, self.filled // 2))
        return texts if few and len(texts) == len(self.values) else ()

    def _decimals(self) -> Decimals:
        point, comma = self.decimals["point"], self.decimals["comma"]
        return "mixed" if point and comma else "point" if point else "comma" if comma else "either"

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
    """The type of a cell; of a number, how its decimals are written."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "point" if isinstance(value, float) else "either"
    if isinstance(value, list | dict):
        return "json"
    stripped = text.strip()
    if len(stripped) > 40:
        return ""
    if stripped.lower() in _BOOLEANS:
        return "boolean"
    if style := numbers.style(stripped):
        return style
    return "date" if _DATE.fullmatch(stripped) else ""
