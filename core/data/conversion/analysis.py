"""What a table holds: a profile of each column, the known shape if there is one, and suggestions with their reason.

The first rows are profiled; the rest is only counted, so that a file of 100 MB takes seconds and little memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from core.data.conversion import shapes
from core.data.conversion.cells import cell_text, is_empty
from core.data.formats import RowBatch
from core.messages import Reject, Row

VERSION = 1  # grows when the result changes: kept analyses are then made again
PROFILED_ROWS = 20_000
_PROFILED_CELLS = 2_000_000  # fewer rows of a very wide table
_DISTINCT_KEPT = 5_000  # values remembered per column; beyond, "at least so many"
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

# Names that tell what a column is for, best first.
_KEY_NAMES = ("question", "prompt", "input", "query", "text", "message", "utterance", "request", "title", "name",
              "subject", "review", "sentence", "comment", "product", "key", "term", "word")  # fmt: skip
_TARGET_NAMES = ("answer", "response", "completion", "output", "reply", "target", "label", "category", "intent",
                 "class", "sentiment", "topic", "description", "definition", "summary", "solution")  # fmt: skip
_LABEL_NAMES = frozenset({"label", "category", "intent", "class", "sentiment", "topic", "target"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column's profile. `distinct` is a lower bound where `distinct_exact` is False."""

    name: str
    type: ColumnType
    distinct: int
    distinct_exact: bool
    empty: int
    filled: int
    samples: tuple[str, ...]
    mean_length: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to choose in the wizard, and why."""

    template: str
    key: str | None
    target: str | None
    include: tuple[str, ...]
    reason: str

    def mapping(self) -> dict[str, Any]:
        """As the templates' column mapping."""
        return {"key": self.key, "target": self.target, "include": list(self.include)}


@dataclass(frozen=True, slots=True)
class Analysis:
    """The whole picture.

    Attributes:
        total_rows: rows of the file, rejected ones included.
        rejected_rows: rows that could not be read.
        profiled_rows: rows that the columns' figures rest on.
        shape: id of the known chat shape, or None.
        suggestion: None where no column holds anything.
    """

    total_rows: int
    rejected_rows: int
    profiled_rows: int
    columns: tuple[Column, ...]
    shape: str | None
    suggestion: Suggestion | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        columns = tuple(Column(**{**item, "samples": tuple(item["samples"])}) for item in raw["columns"])
        told = raw["suggestion"]
        suggestion = Suggestion(**{**told, "include": tuple(told["include"])}) if told else None
        return cls(**{**raw, "columns": columns, "suggestion": suggestion})


def analyze(rows: Iterable[Row | Reject], limit: int = PROFILED_ROWS) -> Analysis:
    """Profile the first `limit` rows and count all of them."""
    found = _Profiles(limit)
    for row in rows:
        found.add(row)
    return found.analysis()


def analyze_batches(batches: Iterable[RowBatch], limit: int = PROFILED_ROWS) -> Analysis:
    """The same from batches: once enough rows are profiled, the others are only counted, without being made."""
    found = _Profiles(limit)
    for batch in batches:
        if found.is_full:
            found.count(len(batch), len(batch.rejects))
        else:
            for row in batch.items():
                found.add(row)
    return found.analysis()


class _Profiles:
    """What is known of a table so far."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._profiles: dict[str, _Profile] = {}
        self._first: list[Row] = []
        self._total = self._rejected = self._profiled = self._cells = 0

    @property
    def is_full(self) -> bool:
        return self._profiled >= self._limit or self._cells >= _PROFILED_CELLS

    def count(self, rows: int, rejects: int) -> None:
        self._total += rows + rejects
        self._rejected += rejects

    def add(self, row: Row | Reject) -> None:
        if isinstance(row, Reject):
            self.count(0, 1)
            return
        self.count(1, 0)
        if self.is_full:
            return
        self._profiled += 1
        self._cells += len(row.fields)
        if len(self._first) < shapes.SAMPLE:
            self._first.append(row)
        for name, value in row.fields.items():
            if name not in self._profiles and len(self._profiles) < _MAX_COLUMNS:
                self._profiles[name] = _Profile()
            if name in self._profiles:
                self._profiles[name].add(value)

    def analysis(self) -> Analysis:
        columns = tuple(profile.column(name, self._profiled) for name, profile in self._profiles.items())
        shape = shapes.detect(self._first)
        return Analysis(self._total, self._rejected, self._profiled, columns, shape, suggest(columns))


class _Profile:
    """Counts of one column; memory is bounded by the values kept."""

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
            # A column of numbers with one typing error is still a column of numbers.
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


# ---- suggestions


def suggest(columns: Iterable[Column]) -> Suggestion | None:
    """Template, key, target and included columns, with the reason in words; None where there is nothing to choose."""
    usable = [column for column in columns if column.filled]
    if not usable:
        return None
    target = _by_name(usable, _TARGET_NAMES)
    key = _by_name([column for column in usable if column is not target], _KEY_NAMES) or _best_key(usable, target)
    if key and target and _is_label(target):
        reason = (
            f"`{target.name}` holds {target.distinct} different values over {target.filled:,} rows, like labels, and "
            f"`{key.name}` holds the texts they belong to."
        )
        return Suggestion("classification", key.name, target.name, (), reason)
    if key and target:
        reason = f"`{key.name}` reads like the input and `{target.name}` like the output that belongs to it."
        return Suggestion("qa", key.name, target.name, (), reason)
    return _without_target(usable, key)


def mapping_for(analysis: Analysis, template: str) -> dict[str, Any]:
    """The columns to begin with when a person picks a template themselves, as its column mapping."""
    told = analysis.suggestion
    if told and told.template == template:
        return told.mapping()
    usable = [column for column in analysis.columns if column.filled]
    labels = [column for column in usable if column.type in ("categorical", "boolean")]
    target = _by_name(usable, _TARGET_NAMES)
    if template == "classification":
        target = target if target and _is_label(target) else next(iter(labels), None)
    rest = [column for column in usable if column is not target]
    key = _by_name(rest, _KEY_NAMES) or _best_key(rest, None)
    include = [column.name for column in rest if column is not key][:20]
    if template == "classification":
        return {"key": key.name if key else None, "target": target.name if target else None, "include": []}
    if template == "extraction":
        include = [column.name for column in usable if column is not key][:20]
        return {"key": key.name if key else None, "target": None, "include": include}
    if template == "custom":
        return {"key": None, "target": None, "include": []}
    return {
        "key": key.name if key else None,
        "target": target.name if target else None,
        "include": [] if target else include,
    }


def _without_target(usable: list[Column], key: Column | None) -> Suggestion:
    rest = [column for column in usable if column is not key]
    labels = [column for column in rest if column.type in ("categorical", "boolean")]
    if key and len(rest) == 1 and labels and key.type == "text":
        label = labels[0]
        reason = (
            f"`{label.name}` holds {label.distinct} different values over {label.filled:,} rows, like labels, and "
            f"`{key.name}` holds texts."
        )
        return Suggestion("classification", key.name, label.name, (), reason)
    texts = [column for column in rest if column.type == "text"]
    if key and len(rest) == 1 and texts:
        reason = (
            f"Two columns of text: `{key.name}` stands first and reads like the input, `{rest[0].name}` the output."
        )
        return Suggestion("qa", key.name, rest[0].name, (), reason)
    if key and rest:
        include = tuple(column.name for column in rest[:20])
        reason = f"Each row describes one `{key.name}`; the other columns say what is known about it."
        return Suggestion("extraction", key.name, None, include, reason)
    only = key or usable[0]
    reason = f"Only `{only.name}` holds anything; write patterns of your own around it."
    return Suggestion("custom", only.name, None, (), reason)


def _by_name(columns: list[Column], names: tuple[str, ...]) -> Column | None:
    """The column with the best telling name: an exact one first, then one that contains it as a word."""
    words = {column.name: set(re.split(r"[^a-z0-9]+", column.name.lower())) for column in columns}
    for name in names:
        for column in columns:
            if column.name.strip().lower() == name:
                return column
    for name in names:
        for column in columns:
            if name in words[column.name]:
                return column
    return None


def _best_key(columns: list[Column], target: Column | None) -> Column | None:
    """The column of text with the most different values; before numbers, dates and labels; the first of equals."""
    others = [column for column in columns if column is not target]
    if not others:
        return None
    order = {"text": 0, "categorical": 1, "date": 2, "number": 3, "json": 4, "boolean": 5, "empty": 6}
    texts = [column for column in others if column.type == "text"]
    unique = [column for column in texts if column.distinct >= 0.9 * column.filled]
    if unique:
        # Short unique texts first: names and questions are shorter than what is said about them.
        return min(unique, key=lambda column: column.mean_length > 300)
    return min(others, key=lambda column: (order[column.type], -column.distinct))


def _is_label(target: Column) -> bool:
    few = target.type in ("categorical", "boolean") or (target.type == "number" and target.distinct <= 20)
    named = bool(set(re.split(r"[^a-z0-9]+", target.name.lower())) & _LABEL_NAMES)
    return (few or named) and target.mean_length <= 60 and target.distinct * 2 <= max(target.filled, 1)
