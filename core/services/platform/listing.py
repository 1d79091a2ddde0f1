"""What screens know of long lists: `View` asks for a page of a `Listing`, `Slice` is that page."""

from core.platform.db.listing import (
    LONGEST_SEARCH as LONGEST_SEARCH,
    Facet as Facet,
    Listing as Listing,
    Slice as Slice,
    View as View,
    matching as matching,
)
