"""Guesses at the part of each column in a table, by its name and profile, for the templates' suggestions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Self

from core.data.conversion.profiles import Column

MAX_INCLUDED = 20  # columns; more would turn every example into a list

# Names of typical input, output and label columns, best first.
_KEY_NAMES = ("question", "prompt", "input", "query", "text", "message", "utterance", "request", "title", "name",
              "subject", "review", "sentence", "comment", "product", "key", "term", "word")  # fmt: skip
_TARGET_NAMES = ("answer", "response", "completion", "output", "reply", "target", "label", "category", "intent",
                 "class", "sentiment", "topic", "description", "definition", "summary", "solution")  # fmt: skip
_LABEL_NAMES = frozenset({"label", "category", "intent", "class", "sentiment", "topic", "target"})


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """The columns of a table with a guess at the input and the output.

    Attributes:
        usable: the columns that are not empty, in the order of the table.
        target: the column that is named like an output.
        key: the column that is named or filled like an input; never the same as `target`.
    """

    usable: tuple[Column, ...]
    target: Column | None
    key: Column | None

    @classmethod
    def of(cls, columns: Iterable[Column]) -> Self:
        usable = tuple(column for column in columns if column.filled)
        target = by_name(usable, _TARGET_NAMES)
        return cls(usable, target, guess_key(usable, target))

    @property
    def labels(self) -> tuple[Column, ...]:
        """The columns with few different values."""
        return tuple(column for column in self.usable if column.type in ("categorical", "boolean"))

    def others(self, *used: Column | None) -> tuple[str, ...]:
        """The names of the other usable columns, at most MAX_INCLUDED."""
        return tuple(column.name for column in self.usable if column not in used)[:MAX_INCLUDED]


def guess_key(columns: Iterable[Column], *others: Column | None) -> Column | None:
    """The column that is most likely the input: by its name, else by its content; None if there is no other column."""
    rest = [column for column in columns if column not in others]
    return by_name(rest, _KEY_NAMES) or _best_key(rest)


def by_name(columns: Iterable[Column], names: tuple[str, ...]) -> Column | None:
    """The column with the first of these names: an exact match first, then one that contains it as a word."""
    columns = list(columns)
    words = {column.name: set(re.split(r"[^a-z0-9]+", column.name.lower())) for column in columns}
    exact = (column for name in names for column in columns if column.name.strip().lower() == name)
    as_word = (column for name in names for column in columns if name in words[column.name])
    return next(chain(exact, as_word), None)


def _best_key(columns: list[Column]) -> Column | None:
    """The text column with the most distinct values; if there is none, a label, date or number column."""
    if not columns:
        return None
    order = {"text": 0, "categorical": 1, "date": 2, "number": 3, "json": 4, "boolean": 5, "empty": 6}
    texts = [column for column in columns if column.type == "text"]
    unique = [column for column in texts if column.distinct >= 0.9 * column.filled]
    if unique:
        # Short unique texts first: names and questions are shorter than descriptions and answers.
        return min(unique, key=lambda column: column.mean_length > 300)
    return min(columns, key=lambda column: (order[column.type], -column.distinct))


def is_label(target: Column) -> bool:
    """Whether a column has labels: few distinct values, short, each in several rows."""
    few = target.type in ("categorical", "boolean") or (target.type == "number" and target.distinct <= 20)
    named = bool(set(re.split(r"[^a-z0-9]+", target.name.lower())) & _LABEL_NAMES)
    return (few or named) and target.mean_length <= 60 and target.distinct * 2 <= max(target.filled, 1)
