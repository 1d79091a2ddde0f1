"""Pages of a list that grows at its beginning: each begins after the last row of the one before, by that row's id."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, or_, select, true

from core.errors import DataError
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
