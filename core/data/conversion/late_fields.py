"""Fields that are filled for the first time behind the rows that the account of a file is based on.

A person decides by the account of a file's first rows. The conversion sees all rows, so it keeps a few of them for each
column that appears later: with these the account is complete, before anything is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from core.data.conversion.cells import is_empty
from core.data.conversion.chat_shapes import CHAT_SHAPES
from core.data.conversion.fields import LOOKED_AT, Account, LeftOut, account
from core.data.conversion.labeling import Recipe
from core.data.examples.texts import TextColumn
from core.data.formats.parsing.batches import RowBatch
from core.messages import Row

_KEPT: Final = 50  # rows for each column: what a field means shows in its values
_MOST_COLUMNS: Final = 400
_MOST_CELLS: Final = 200_000  # of all kept rows

LateRows = Mapping[str, Sequence[Row]]  # column -> the first rows that fill it


def early_fields(batches: Iterable[RowBatch], looked_at: int = LOOKED_AT) -> frozenset[str]:
    """The columns that are filled in the first `looked_at` rows."""
    names, read = set[str](), 0
    for batch in batches:
        for name in batch.columns:
            if name not in names and read + next(_filled(batch.cells[name]), looked_at) < looked_at:
                names.add(name)
        read += len(batch)
        if read >= looked_at:
            break
    return frozenset(names)


class LateFields:
    """Watches batches on their way, in the order of the file.

    Attributes:
        rows: the first rows that fill each column which is not filled in the first `looked_at` rows.
    """

    def __init__(self, looked_at: int = LOOKED_AT) -> None:
        self.rows: dict[str, list[Row]] = {}
        self._looked_at = looked_at
        self._known: set[str] = set()
        self._read = self._cells = 0

    def go_behind(self, early: Iterable[str]) -> None:
        """The batches to come are behind the first rows, which fill these columns."""
        self._looked_at = 0
        self._known |= set(early)

    def take(self, rows: LateRows) -> None:
        """Add what another one found in batches that follow those seen so far."""
        for name, found in rows.items():
            if len(self.rows) >= _MOST_COLUMNS or self._cells >= _MOST_CELLS:
                return
            kept = self.rows.get(name, [])
            more = found[: _KEPT - len(kept)]
            self.rows[name] = [*kept, *more]
            self._cells += sum(len(row.fields) for row in more)

    def watch(self, batches: Iterable[RowBatch]) -> Iterator[RowBatch]:
        """The same batches."""
        for batch in batches:
            for name in batch.columns:
                if name not in self._known:
                    self._look(batch, name)
            self._read += len(batch)
            yield batch

    def _look(self, batch: RowBatch, name: str) -> None:
        kept = self.rows.get(name, [])
        found = list(islice(_filled(batch.cells[name]), _KEPT - len(kept)))
        if not found:
            return
        is_late = bool(kept) or self._read + found[0] >= self._looked_at
        has_room = len(self.rows) < _MOST_COLUMNS and self._cells < _MOST_CELLS
        if not is_late or not has_room or len(kept) + len(found) == _KEPT:
            self._known.add(name)
        if is_late and has_room:
            self.rows[name] = [*kept, *map(batch.row, found)]
            self._cells += len(found) * len(batch.columns)


def _filled(cells: Sequence[Any]) -> Iterator[int]:
    """The places of the filled cells."""
    if isinstance(cells, TextColumn) and not cells.array.nbytes:
        return iter(())
    return (at for at, value in enumerate(cells) if not is_empty(value))


def completed(found: Account, recipe: Recipe, late: LateRows) -> Account:
    """The account with the late columns: those that reach the examples and those that do not."""
    gathers = recipe.shape is not None and CHAT_SHAPES.get(recipe.shape).gather is not None
    if gathers or not late:  # of a shape whose examples lie across rows, a few rows say nothing
        return found
    rows = {row.line: row for several in late.values() for row in several}
    behind = account(recipe, [rows[line] for line in sorted(rows)])
    used = tuple(name for name in behind.used if name in late)
    left = [replace(item, since=late[name][0].line) for item in behind.left_out if (name := _column(item, late))]
    together = sorted([*found.left_out, *left], key=lambda item: not item.meaning)
    return replace(found, used=(*found.used, *used), left_out=tuple(together))


def _column(item: LeftOut, late: LateRows) -> str:
    """The late column that a field is or lies in; "" if its column is filled in the first rows."""
    return next((name for name in late if f"{item.name}.".startswith((f"{name}.", f"{name}[]"))), "")
