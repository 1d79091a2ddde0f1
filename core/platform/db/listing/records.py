"""What a list consists of, which part of it is looked at, and what was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PER_PAGE: Final = 24
LONGEST_SEARCH: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of a list: `by` is the column; rows without a value come last."""

    id: str
    title: str
    by: Any
    down: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """A column whose values can be chosen one at a time; `word` is how a value is written for people.

    `among` is for a row that has any number of values: `by` is a column of another table, and `among` the condition
    that joins its rows to those of the list.
    """

    id: str
    title: str
    by: Any
    word: Callable[[str], str] = str
    among: Any = None


@dataclass(frozen=True, slots=True)
class Family:
    """Rows that are one item of a list: those with the same value of `by`, the first by `newest` at the front."""

    by: Any
    newest: Any


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list consists of, as expressions of SQL.

    Args:
        key: the column with the ids of the rows.
        rows: the tables, joined.
        where: conditions of every row, such as not being deleted.
        search: the columns that are searched; each word has to be in one of them.
        sorts: the orders; the first is the default. A family has the place of its first row in that order.
        filters: what can be chosen.
        archived: whether a row is archived.
        sums: what is added up over the rows that are shown.
        family: rows that are one item; None: each row is one. A family is listed if one of its rows is.
    """

    key: Any
    rows: Any
    search: tuple[Any, ...]
    sorts: tuple[Sort, ...]
    filters: tuple[Facet, ...]
    archived: Any
    where: tuple[Any, ...] = ()
    sums: Mapping[str, Any] = field(default_factory=dict)
    family: Family | None = None

    @property
    def item(self) -> Any:
        """The column with the ids of the items."""
        return self.family.by if self.family else self.key

    def sort(self, sort_id: str) -> Sort:
        """The order with this id; the default for one that does not exist."""
        return next((sort for sort in self.sorts if sort.id == sort_id), self.sorts[0])


@dataclass(frozen=True, slots=True)
class View:
    """What to show of a list: an address may hold anything, so unknown sorts and pages fall back to the first."""

    search: str = ""
    sort: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)  # by the id of a filter
    archived: bool = False
    page: int = 1
    per_page: int = PER_PAGE


@dataclass(frozen=True, slots=True)
class ListCounts:
    """How many items a view has: `total` that are shown; the others as in `Slice`."""

    total: int
    archived: int
    every: int
    values: Mapping[str, Mapping[str, int]]
    sums: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list.

    `ids` are the items: rows, or families. `rows` has the ids of the rows of each family that match, the newest first.
    `counts` are the items for each value of a filter, with the search and the other filters applied; `archived` counts
    the archived ones that match, `every` all items of the list, whatever is searched for.
    """

    ids: tuple[str, ...]
    total: int
    page: int
    counts: Mapping[str, Mapping[str, int]]
    archived: int
    every: int
    sums: Mapping[str, int]
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def in_order(ids: tuple[str, ...], found: Mapping[str, Any]) -> list[Any]:
    """The records of a page in its order; one that was deleted in between is left out."""
    return [found[item_id] for item_id in ids if item_id in found]
