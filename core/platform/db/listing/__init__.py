"""Long lists: searched, filtered, sorted and cut into pages by the database, never row by row in Python.

A list is one record (`Listing`) that names its columns; `look_up` reads one page of it, and the numbers beside its
filters, in a few queries however many rows there are.
"""

from __future__ import annotations

from core.platform.db.listing.reading import look_up, matching
from core.platform.db.listing.records import (
    LONGEST_SEARCH,
    PER_PAGE,
    Facet,
    Family,
    Listing,
    Slice,
    Sort,
    View,
    in_order,
)

__all__ = [
    "LONGEST_SEARCH",
    "PER_PAGE",
    "Facet",
    "Family",
    "Listing",
    "Slice",
    "Sort",
    "View",
    "in_order",
    "look_up",
    "matching",
]  # fmt: skip
