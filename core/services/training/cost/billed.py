"""The estimate of a job beside what was billed in the end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core.platform.budgets.records import dollars
from core.platform.db.tables import RESERVATIONS
from core.platform.db.uow import read


@dataclass(frozen=True, slots=True)
class BilledCost:
    """The estimate of a task, and what all its attempts have cost; `billed_usd` is None while it has not ended."""

    low_usd: float
    high_usd: float
    billed_usd: float | None

    @property
    def verdict(self) -> str:
        """`within the estimate`, `12% above the estimate`; "" before the bill."""
        bill = self.billed_usd
        if bill is None:
            return ""
        if bill > self.high_usd:
            return f"{bill / self.high_usd - 1:.0%} above the estimate" if self.high_usd else "above the estimate"
        if bill < self.low_usd:
            return f"{1 - bill / self.low_usd:.0%} below the estimate"
        return "within the estimate"


def billed(task_id: str) -> BilledCost | None:
    """Estimate and bill of a task; None where nothing was paid for it."""
    query = select(RESERVATIONS).where(RESERVATIONS.c.what_id == task_id).order_by(RESERVATIONS.c.created_at)
    rows = read(query)
    if not rows:
        return None
    closed = sum(row.spent_micros or 0 for row in rows)
    is_open = any(row.state == "open" for row in rows)
    first = rows[0]
    low = first.amount_micros if first.low_micros is None else first.low_micros
    return BilledCost(dollars(low), dollars(first.amount_micros), None if is_open else dollars(closed))
