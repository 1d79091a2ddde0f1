"""The page of a list that a view asks for, and the ids of all that it shows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import func, select

from core.platform.db.listing import counting
from core.platform.db.listing.queries import matching_rows
from core.platform.db.listing.records import Family, Listing, Slice, View
from core.platform.db.uow import read


def look_up(listing: Listing, view: View) -> Slice:
    """Read one page of a list, and what its filters would show."""
    counts = counting.count(listing, view)
    pages = max(1, -(-counts.total // view.per_page))
    page = min(max(1, view.page), pages)
    ids = tuple(_ids(listing, view, page)) if counts.total else ()
    return Slice(
        ids=ids,
        total=counts.total,
        page=page,
        counts=counts.values,
        archived=counts.archived,
        every=counts.every,
        sums=counts.sums,
        rows=_rows(listing, listing.family, view, ids) if listing.family and ids else {},
    )


def matching(listing: Listing, view: View) -> list[str]:
    """The ids of all items that a view shows, on whichever page."""
    return [item_id for (item_id,) in read(matching_rows(select(listing.item).distinct(), listing, view))]


def _ids(listing: Listing, view: View, page: int) -> list[str]:
    sort = listing.sort(view.sort)
    query = matching_rows(select(listing.item), listing, view)
    by = sort.by
    if listing.family:
        by = (func.max if sort.down else func.min)(by)
        query = query.group_by(listing.item)
    query = query.order_by((by.desc() if sort.down else by.asc()).nulls_last(), listing.item.desc())
    return [item_id for (item_id,) in read(query.limit(view.per_page).offset((page - 1) * view.per_page))]


def _rows(listing: Listing, family: Family, view: View, ids: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The rows that match of the families on a page."""
    query: Any = matching_rows(select(family.by, listing.key), listing, view).where(family.by.in_(ids))
    found: dict[str, list[str]] = defaultdict(list)
    for item_id, row_id in read(query.order_by(family.newest.desc(), listing.key.desc())):
        found[item_id].append(row_id)
    return {item_id: tuple(rows) for item_id, rows in found.items()}
