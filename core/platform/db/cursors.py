"""Pages of a list that grows at its beginning: each begins after the last row of the one before, by that row's id."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, or_, select, true

from core.errors import DataError
from core.platform.db.listing import Listing
from core.platform.db.uow import read


def after(table: Table, row_id: str, *, oldest_first: bool = False) -> ColumnElement[bool]:
    """The condition for the rows that follow this one, by `created_at` and `id`; "" for all of them.

    Raises:
        DataError: no row has the id.
    """
    if not row_id:
        return true()
    found = read(select(table.c.created_at).where(table.c.id == row_id))
    if not found:
        text = f"No page begins after {row_id!r}."
        raise DataError(text, "Begin at the first page.", code="cursor", field="after")
    at = found[0][0]
    if oldest_first:
        return or_(table.c.created_at > at, and_(table.c.created_at == at, table.c.id > row_id))
    return or_(table.c.created_at < at, and_(table.c.created_at == at, table.c.id < row_id))


def newest(listing: Listing, table: Table, row_id: str = "", *, archived: bool = False, limit: int) -> list[str]:
    """The ids of a page of a list, the newest first.

    Args:
        row_id: of the last row of the page before.

    Raises:
        DataError: as `after`.
    """
    query = select(listing.key).select_from(listing.rows).where(*listing.where, after(table, row_id))
    query = query.where(listing.archived.is_(archived)).order_by(table.c.created_at.desc(), listing.key.desc())
    return [found for (found,) in read(query.limit(limit))]
