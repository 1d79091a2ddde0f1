"""Frozen records of budgets and reservations, and the month in which they count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from core.text import usd

STUDIO: Final = "studio"
TRAINING: Final = "training"
SMART: Final = "smart"
JUDGING: Final = "judging"
ANSWERS: Final = "answers"
PaidKind = Literal["training", "smart", "judging", "answers"]
KINDS: Final[tuple[PaidKind, ...]] = (TRAINING, SMART, JUDGING, ANSWERS)
BUDGETS: Final = (STUDIO, *KINDS)
TITLES: Final = {STUDIO: "Studio", TRAINING: "Training", SMART: "Smart mode", JUDGING: "Judging", ANSWERS: "Answers"}
WARN_SHARE: Final = 0.8  # of a budget, from which people are warned
MICROS: Final = 1_000_000  # per US dollar; amounts are stored as integers, whose sums are exact


def micros(usd: float) -> int:
    """US dollars as they are stored, rounded up: 0.1 + 0.2 is exactly 0.3."""
    return math.ceil(round(usd * MICROS, 3))


def dollars(amount: int) -> float:
    """A stored amount in US dollars."""
    return amount / MICROS


@dataclass(frozen=True, slots=True)
class BudgetRecord:
    """One budget in the present month. `kind` is `studio` (everything) or a kind of paid work.

    Args:
        limit_usd: for a calendar month (UTC); None: no limit.
        spent_usd: of work that has ended this month.
        reserved_usd: for work that has not ended, at most.
    """

    kind: str
    limit_usd: float | None
    spent_usd: float
    reserved_usd: float

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def used_usd(self) -> float:
        return self.spent_usd + self.reserved_usd

    @property
    def left_usd(self) -> float | None:
        """What new work may still cost; None without a limit."""
        return None if self.limit_usd is None else max(self.limit_usd - self.used_usd, 0.0)

    @property
    def left(self) -> str:
        """What is left, as a sentence; "" without a limit."""
        if self.limit_usd is None:
            return ""
        return f"{usd(self.left_usd)} of {usd(self.limit_usd)} is left of the budget “{self.title}” this month."

    @property
    def share(self) -> float | None:
        """Of the limit that is used, 1.0 for all of it; None without a limit."""
        if self.limit_usd is None:
            return None
        return self.used_usd / self.limit_usd if self.limit_usd else 1.0

    @property
    def state(self) -> Literal["none", "ok", "warning", "reached"]:
        """`warning` from 80 %, `reached` from 100 %; `none` without a limit."""
        if self.share is None:
            return "none"
        return "reached" if self.share >= 1 else "warning" if self.share >= WARN_SHARE else "ok"


@dataclass(frozen=True, slots=True)
class ReservationRecord:
    """The reservation of one piece of paid work; it counts in the month in which it was made (UTC).

    Args:
        kind: of paid work (`KINDS`).
        what_id: the task or job that it is for.
        provider: where it is paid: a connection's or a service's name, "Local".
        low_usd, amount_usd: the estimate; its upper end is reserved. `low_usd` None: it was no range.
        spent_usd: the bill; None while it is open.
        state: open | settled | released (it ended without success).
        override_reason: why the budget was exceeded; "" where it was not.
    """

    id: str
    kind: str
    what_id: str
    title: str
    provider: str
    person: str
    low_usd: float | None
    amount_usd: float
    spent_usd: float | None
    state: str
    override_reason: str
    created_at: float
    closed_at: float | None


@dataclass(frozen=True, slots=True)
class PaidWork:
    """What a piece of work may cost at most, and where it is paid. `amount_usd` None: its price is not known.
    `low_usd` is the lower end of the estimate, where there is a range."""

    kind: PaidKind
    amount_usd: float | None
    provider: str = ""
    low_usd: float | None = None


def month_of(at: float) -> tuple[float, float]:
    """The start of a calendar month (UTC) and of the next one, both in Unix seconds."""
    day = datetime.fromtimestamp(at, UTC)
    start = datetime(day.year, day.month, 1, tzinfo=UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return start.timestamp(), following.timestamp()
