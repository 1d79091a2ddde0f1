"""How many items a view of a list has, and how many each value of its filters would have.

Where an item is one row with one value of each filter, one query counts them all: the rows grouped by all of these
values. A family, or a row with several values, would be counted several times; there, one query has a part for each
number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all

from core.platform.db.listing.queries import matching_rows, searched_rows
from core.platform.db.listing.records import Facet, ListCounts, Listing, View
from core.platform.db.uow import read


def count(listing: Listing, view: View) -> ListCounts:
    """The numbers of a view."""
    if listing.family or any(one.among is not None for one in listing.filters):
        return _of_parts(listing, view)
    return _of_groups(listing, view)


def _of_groups(listing: Listing, view: View) -> ListCounts:
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
    return ListCounts(
        total=total,
        archived=archived,
        every=sum(number for _, _, number, _ in groups) if not view.search.strip() else _every(listing),
        values={one.id: dict(counts[one.id]) for one in listing.filters},
        sums=dict(sums),
    )


def _groups(listing: Listing, view: View) -> list[tuple[bool, dict[str, str], int, dict[str, int]]]:
    """The rows that a search finds, counted by archived or not and by the values of every filter."""
    expressions = [listing.archived, *(one.by for one in listing.filters)]
    # Grouped by name: PostgreSQL takes an expression with parameters for another one where it is repeated.
    by = [expression.label(f"by_{index}") for index, expression in enumerate(expressions)]
    added = [func.coalesce(func.sum(expression), 0) for expression in listing.sums.values()]
    query = searched_rows(select(*by, func.count(), *added), listing, view.search)
    query = query.group_by(*(label.name for label in by))
    groups = []
    for is_archived, *rest in read(query):
        values = dict(zip((one.id for one in listing.filters), map(str, rest), strict=False))
        number, *amounts = rest[len(listing.filters) :]
        groups.append((bool(is_archived), values, number, dict(zip(listing.sums, map(int, amounts), strict=True))))
    return groups


def _every(listing: Listing) -> int:
    ((number,),) = read(select(func.count()).select_from(listing.rows).where(*listing.where))
    return int(number)


_TOTAL, _ARCHIVED, _EVERY, _FILTER, _SUM = "total", "archived", "every", "filter ", "sum "


def _of_parts(listing: Listing, view: View) -> ListCounts:
    items = func.count(listing.item.distinct())
    parts = [
        matching_rows(_part(_TOTAL, items), listing, view),
        matching_rows(_part(_ARCHIVED, items), listing, replace(view, archived=True)),
        _part(_EVERY, items).select_from(listing.rows).where(*listing.where),
        *(_by_value(one, items, listing, view) for one in listing.filters),
        *(matching_rows(_part(_SUM + name, _sum(by)), listing, view) for name, by in listing.sums.items()),
    ]
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for name, value, number in read(union_all(*parts)):
        found[name][value] = int(number)
    return ListCounts(
        total=found[_TOTAL][""],
        archived=found[_ARCHIVED][""],
        every=found[_EVERY][""],
        values={one.id: found[_FILTER + one.id] for one in listing.filters},
        sums={name: found[_SUM + name][""] for name in listing.sums},
    )


def _sum(by: Any) -> Any:
    return func.coalesce(func.sum(by), 0)


def _part(name: str, number: Any) -> Select[Any]:
    return select(literal(name).label("part"), literal("").label("value"), number.label("number"))


def _by_value(one: Facet, items: Any, listing: Listing, view: View) -> Select[Any]:
    """The items for each value of a filter, with the other filters applied."""
    rows = listing.rows if one.among is None else listing.rows.join(one.by.table, one.among)
    query = select(literal(_FILTER + one.id).label("part"), one.by.label("value"), items.label("number"))
    return matching_rows(query, replace(listing, rows=rows), view, but=one).group_by(one.by)
