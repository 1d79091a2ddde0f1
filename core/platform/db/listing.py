"""Long lists: searched, filtered, sorted and cut into pages by the database, never row by row in Python.

A list is one record (`Listing`) that names its columns; `look_up` reads one page of it, and the numbers beside its
filters, in two queries however many rows there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select

from core.platform.db.uow import read

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
    """A column whose values can be chosen one at a time; `word` is how a value is written for people."""

    id: str
    title: str
    by: Any
    word: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list consists of, as expressions of SQL.

    Args:
        key: the column with the ids of the rows.
        rows: the tables, joined.
        where: conditions of every row, such as not being deleted.
        search: the columns that are searched; each word has to be in one of them.
        sorts: the orders; the first is the default.
        filters: what can be chosen.
        archived: whether a row is archived.
        sums: what is added up over the rows that are shown.
    """

    key: Any
    rows: Any
    search: tuple[Any, ...]
    sorts: tuple[Sort, ...]
    filters: tuple[Facet, ...]
    archived: Any
    where: tuple[Any, ...] = ()
    sums: Mapping[str, Any] = field(default_factory=dict)

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
class Slice:
    """One page of a list.

    `counts` are the rows for each value of a filter, with the search and the other filters applied; `archived` counts
    the archived rows that match, `every` all rows of the list, whatever is searched for.
    """

    ids: tuple[str, ...]
    total: int
    page: int
    counts: Mapping[str, Mapping[str, int]]
    archived: int
    every: int
    sums: Mapping[str, int]


def look_up(listing: Listing, view: View) -> Slice:
    """Read one page of a list, and what its filters would show."""
    groups = _groups(listing, view)
    wanted = {one.id: view.chosen[one.id] for one in listing.filters if view.chosen.get(one.id)}
    total, archived = 0, 0
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    sums = Counter[str](dict.fromkeys(listing.sums, 0))
    for is_archived, values, number, added in groups:
        missed = [name for name, value in wanted.items() if values[name] != value]
        archived += number if is_archived and not missed else 0
        if is_archived != view.archived:
            continue
        for name, value in values.items():
            if not missed or missed == [name]:
                counts[name][value] += number
        if not missed:
            total += number
            sums.update(added)
    pages = max(1, -(-total // view.per_page))
    page = min(max(1, view.page), pages)
    return Slice(
        ids=tuple(_ids(listing, view, page)) if total else (),
        total=total,
        page=page,
        counts={one.id: dict(counts[one.id]) for one in listing.filters},
        archived=archived,
        every=sum(number for _, _, number, _ in groups) if not view.search.strip() else _every(listing),
        sums=dict(sums),
    )


def matching(listing: Listing, view: View) -> list[str]:
    """The ids of all rows that a view shows, on whichever page."""
    return [row_id for (row_id,) in read(_matching(select(listing.key), listing, view))]


def in_order(ids: tuple[str, ...], found: Mapping[str, Any]) -> list[Any]:
    """The records of a page in its order; a row that was deleted in between is left out."""
    return [found[row_id] for row_id in ids if row_id in found]


def _groups(listing: Listing, view: View) -> list[tuple[bool, dict[str, str], int, dict[str, int]]]:
    """The rows that a search finds, counted by archived or not and by the values of every filter."""
    expressions = [listing.archived, *(one.by for one in listing.filters)]
    # Grouped by name: PostgreSQL takes an expression with parameters for another one where it is repeated.
    by = [expression.label(f"by_{index}") for index, expression in enumerate(expressions)]
    added = [func.coalesce(func.sum(expression), 0) for expression in listing.sums.values()]
    query = _searched(select(*by, func.count(), *added), listing, view.search)
    query = query.group_by(*(label.name for label in by))
    groups = []
    for is_archived, *rest in read(query):
        values = dict(zip((one.id for one in listing.filters), map(str, rest), strict=False))
        number, *amounts = rest[len(listing.filters) :]
        groups.append((bool(is_archived), values, number, dict(zip(listing.sums, map(int, amounts), strict=True))))
    return groups


def _ids(listing: Listing, view: View, page: int) -> list[str]:
    sort = listing.sort(view.sort)
    order = sort.by.desc() if sort.down else sort.by.asc()
    query = _matching(select(listing.key), listing, view).order_by(order.nulls_last(), listing.key.desc())
    return [row_id for (row_id,) in read(query.limit(view.per_page).offset((page - 1) * view.per_page))]


def _matching(query: Select[Any], listing: Listing, view: View) -> Select[Any]:
    query = _searched(query, listing, view.search).where(listing.archived.is_(view.archived))
    for one in listing.filters:
        if value := view.chosen.get(one.id):
            query = query.where(one.by == value)
    return query


def _searched(query: Select[Any], listing: Listing, text: str) -> Select[Any]:
    """Each word has to be in one of the columns, in capitals or not."""
    query = query.select_from(listing.rows).where(*listing.where)
    words = text[:LONGEST_SEARCH].split()
    contain = [or_(*(column.icontains(word, autoescape=True) for column in listing.search)) for word in words]
    return query.where(and_(*contain)) if contain else query


def _every(listing: Listing) -> int:
    ((number,),) = read(select(func.count()).select_from(listing.rows).where(*listing.where))
    return int(number)
