"""The conditions of a view on the rows of a list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, exists, or_

from core.platform.db.listing.records import LONGEST_SEARCH, Facet, Listing, View


def matching_rows(query: Select[Any], listing: Listing, view: View, *, but: Facet | None = None) -> Select[Any]:
    """A query on the rows that a view shows; `but` is a filter that does not apply."""
    query = searched_rows(query, listing, view.search).where(listing.archived.is_(view.archived))
    for one in listing.filters:
        if (value := view.chosen.get(one.id)) and one is not but:
            query = query.where(
                exists().where(one.among, one.by == value) if one.among is not None else one.by == value
            )
    return query


def searched_rows(query: Select[Any], listing: Listing, text: str) -> Select[Any]:
    """A query on the rows that a search finds: each word is in one of the columns, in capitals or not."""
    query = query.select_from(listing.rows).where(*listing.where)
    words = text[:LONGEST_SEARCH].split()
    contain = [or_(*(column.icontains(word, autoescape=True) for column in listing.search)) for word in words]
    return query.where(and_(*contain)) if contain else query
