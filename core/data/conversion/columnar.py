"""Rows to examples, thousands at a time: a template converts one row of markers, and the result is a plan for all rows.

If a template only concatenates fixed texts and cells, its result for a row whose cells are markers shows its result for
every row without empty cells. Rows with an empty cell that is used are converted by the template one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.conversion.cells import (
    LONGEST_PLACEHOLDER,
    PLACEHOLDERS,
    cell_text,
    is_empty,
    is_placeholder,
    placeholders_in,
)
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates.base import RowProblem, Template, TemplateOptions, messages_of
from core.data.conversion.templates.mapping import ColumnMapping
from core.data.examples.texts import TextColumn, blank, offsets
from core.messages import Role, Row

# Private-use characters for markers. With a pattern or column name that contains one, rows are converted one by one.
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_MARKER = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


class _Asked(dict[str, str]):
    """The fields of a row of markers; records which of them were read."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(markers(columns))
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How a row of these columns becomes examples.

    Attributes:
        columns: the ones it uses; a row in which one is empty is converted by the template.
        optional: those of them in which a placeholder is an empty cell.
        roles: of the messages, the same for every example.
        texts: for each example of a row, for each message: fixed texts and column names, alternating.
    """

    columns: tuple[str, ...]
    optional: frozenset[str]
    roles: tuple[Role, ...]
    texts: tuple[tuple[Pattern, ...], ...]

    def gaps(self, cells: Mapping[str, Sequence[Any]]) -> list[int]:
        """Indexes of the rows with an empty cell that is used, ascending."""
        found: set[int] = set()
        for name in self.columns:
            values = cells[name]
            if isinstance(values, TextColumn):
                found.update(blank(values.array))
            elif not _all_filled(values):
                found.update(index for index, value in enumerate(values) if is_empty(value))
            if name in self.optional:
                found.update(places_of_placeholders(values))
        return sorted(found)

    def fill(self, cells: Mapping[str, Sequence[Any]], keep: Sequence[bool] | None = None) -> tuple[TextColumn, ...]:
        """For each message the texts of all examples, row by row, of the rows selected by `keep`."""
        ready = {name: _texts(cells[name], keep) for name in self.columns}
        count = sum(keep) if keep is not None else len(next(iter(cells.values())))
        made = [[filled(pattern, ready, count) for pattern in example] for example in self.texts]
        if len(made) == 1:
            return tuple(map(TextColumn, made[0]))
        in_turn = pa.array(np.arange(count * len(made)).reshape(len(made), count).T.ravel())
        return tuple(TextColumn(pa.concat_arrays(list(texts)).take(in_turn)) for texts in zip(*made, strict=True))


def plan(
    template: Template[Any], columns: Sequence[str], mapping: ColumnMapping, options: TemplateOptions
) -> ColumnPlan | None:
    """The plan for rows of these columns, or None if each row must be converted separately."""
    written = [*columns, *(value for value in options.model_dump().values() if isinstance(value, str))]
    if not columns or not template.concatenates(options) or any(map(is_marked, written)):
        return None
    fields = _Asked(columns)
    try:
        conversations = template.conversations(Row(1, fields), mapping, options)
    except RowProblem:  # these rows do not have the column
        return None
    examples = [messages_of(*conversation) for conversation in conversations]
    roles = {tuple(message.role for message in messages) for messages in examples}
    if len(roles) != 1 or not fields.asked <= set(columns):
        return None
    texts = tuple(tuple(pattern_of(message.content, columns) for message in messages) for messages in examples)
    used = tuple(name for name in columns if name in fields.asked)
    return ColumnPlan(used, frozenset(used) - {mapping.key, mapping.target}, roles.pop(), texts)


def is_marked(text: str) -> bool:
    """Whether a text contains what markers are made of."""
    return _OPEN in text or _CLOSE in text


def markers(columns: Sequence[str]) -> dict[str, str]:
    """A row of these columns in which every cell is a marker."""
    return {name: f"{_OPEN}{number}{_CLOSE}" for number, name in enumerate(columns)}


def pattern_of(text: str, columns: Sequence[str]) -> Pattern:
    """The pattern that was filled with the markers of these columns."""
    pieces = _MARKER.split(text)
    return Pattern(tuple(pieces[::2]), tuple(columns[int(number)] for number in pieces[1::2]))


def places_of_placeholders(values: Sequence[Any]) -> list[int]:
    """The places of cells that say that there is nothing, in a column of any kind."""
    if not isinstance(values, TextColumn):
        return placeholders_in(values)
    sizes = np.diff(offsets(values.array))
    short = np.flatnonzero((sizes > 0) & (sizes <= 4 * LONGEST_PLACEHOLDER))  # a character has up to 4 bytes
    if not len(short):
        return []
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(values.array.take(pa.array(short))))
    found = pc.is_in(plain, value_set=pa.array(sorted(PLACEHOLDERS))).to_numpy(zero_copy_only=False)
    return [at for at in short[found].tolist() if is_placeholder(values[at])]


def _all_filled(values: Sequence[Any]) -> bool:
    try:
        return all(values) and not any(map(str.isspace, values))
    except TypeError:  # some are not text
        return False


def _texts(values: Sequence[Any], keep: Sequence[bool] | None) -> Any:
    if isinstance(values, TextColumn):
        return values.array if keep is None else values.array.filter(pa.array(keep))
    selected = values if keep is None else list(compress(values, keep))
    texts = selected if set(map(type, selected)) <= {str} else [cell_text(value) for value in selected]
    return pa.array(texts, pa.string())


def filled(pattern: Pattern, cells: Mapping[str, Any], count: int) -> Any:
    """The pattern with the cells of each row, as Arrow texts; `cells` are Arrow texts by column."""
    if not pattern.names:
        return pa.repeat(pa.scalar(pattern.texts[0]), count)
    if pattern.texts == ("", ""):
        return cells[pattern.names[0]]
    pieces: list[Any] = [pattern.texts[0]] if pattern.texts[0] else []
    for name, text in zip(pattern.names, pattern.texts[1:], strict=True):
        pieces += [cells[name], text] if text else [cells[name]]
    return pc.binary_join_element_wise(*pieces, "")
