"""What paid work has cost, by day, provider, person and kind; open reservations, overrides, and the same as CSV."""

from core.services.platform.spending.export import spending_csv
from core.services.platform.spending.figures import (
    ALL,
    ReservationRecord,
    SpendingFigures,
    SpendingRow,
    kind_title,
    months,
    open_now,
    overrides,
    spending,
)
