"""Figures of paid work in a calendar month (UTC). Each piece of work counts on the day on which it was started."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select

from core import arguments
from core.errors import DataError
from core.platform.budgets.records import TITLES, ReservationRecord, month_of
from core.platform.budgets.reserving import open_reservations, record_of
from core.platform.db.tables import RESERVATIONS
from core.platform.db.uow import UnitOfWork, read

ALL: Final = "all"
_MONTH: Final = re.compile(r"([1-9]\d{3})-(0[1-9]|1[0-2])")
_NO_PERSON: Final = ""


@dataclass(frozen=True, slots=True)
class SpendingRow:
    """One day, provider, person or kind: pieces of work, what has been billed, and what is reserved besides."""

    key: str
    works: int
    spent_usd: float
    reserved_usd: float

    @property
    def total_usd(self) -> float:
        return self.spent_usd + self.reserved_usd


@dataclass(frozen=True, slots=True)
class SpendingFigures:
    """Paid work of a period, the newest first, and its sums. `by` has rows by `day`, `provider`, `person` and `kind`,
    the largest first, days in their order; `daily` has {day: {key: US dollars}} for each of the last three."""

    works: tuple[ReservationRecord, ...]
    by: dict[str, tuple[SpendingRow, ...]]
    daily: dict[str, dict[str, dict[str, float]]]

    @property
    def spent_usd(self) -> float:
        return sum(row.spent_usd for row in self.by["kind"])

    @property
    def reserved_usd(self) -> float:
        return sum(row.reserved_usd for row in self.by["kind"])


def kind_title(kind: str) -> str:
    """`smart` as `Smart mode`."""
    return TITLES.get(kind, kind)


KEYS: Final[dict[str, Callable[[ReservationRecord], str]]] = {
    "kind": lambda work: kind_title(work.kind),
    "provider": lambda work: work.provider,
    "person": lambda work: work.person or _NO_PERSON,
}


def spending(month: str = "") -> SpendingFigures:
    """Paid work that was started in a month.

    Args:
        month: YYYY-MM (UTC); "" for the present one, `all` for everything.

    Raises:
        DataError: not a month.
    """
    query = select(RESERVATIONS).order_by(RESERVATIONS.c.created_at.desc(), RESERVATIONS.c.id)
    if month != ALL:
        start, end = month_of(_time_of(month))
        query = query.where(RESERVATIONS.c.created_at >= start, RESERVATIONS.c.created_at < end)
    with UnitOfWork(write=False) as uow:
        works = tuple(record_of(row) for row in uow.execute(query).mappings())
    days = sorted({_day(work) for work in works})
    by = {name: _rows(works, key) for name, key in KEYS.items()}
    by["day"] = tuple(sorted(_rows(works, _day), key=lambda row: row.key))
    daily = {name: _daily(works, key, days) for name, key in KEYS.items()}
    return SpendingFigures(works, by, daily)


def months() -> list[str]:
    """The months (UTC) with paid work, the newest first; the present one is always there."""
    first = read(select(func.min(RESERVATIONS.c.created_at)))[0][0]
    now = datetime.now(UTC)
    year, month = (first_day.year, first_day.month) if (first_day := _utc(first)) else (now.year, now.month)
    found = []
    while (year, month) <= (now.year, now.month):
        found.append(f"{year}-{month:02}")
        year, month = year + month // 12, month % 12 + 1
    return found[::-1]


def open_now() -> list[ReservationRecord]:
    """The reservations of work that has not ended, the newest first."""
    return open_reservations()[::-1]


def overrides(limit: int = 100) -> list[ReservationRecord]:
    """Work that was started beyond a budget, with person and reason, the newest first."""
    query = select(RESERVATIONS).where(RESERVATIONS.c.override_reason != "")
    query = query.order_by(RESERVATIONS.c.created_at.desc()).limit(arguments.count(limit))
    with UnitOfWork(write=False) as uow:
        return [record_of(row) for row in uow.execute(query).mappings()]


def _rows(works: Iterable[ReservationRecord], key: Callable[[ReservationRecord], str]) -> tuple[SpendingRow, ...]:
    of: dict[str, list[ReservationRecord]] = {}
    for work in works:
        of.setdefault(key(work), []).append(work)
    rows = [
        SpendingRow(
            name,
            len(found),
            sum(work.spent_usd or 0.0 for work in found),
            sum(work.amount_usd for work in found if work.state == "open"),
        )
        for name, found in of.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.total_usd, row.key)))


def _daily(
    works: Iterable[ReservationRecord], key: Callable[[ReservationRecord], str], days: list[str]
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {day: {} for day in days}
    for work in works:
        amounts, name = found[_day(work)], key(work)
        amounts[name] = amounts.get(name, 0.0) + (work.amount_usd if work.spent_usd is None else work.spent_usd)
    return found


def _day(work: ReservationRecord) -> str:
    return datetime.fromtimestamp(work.created_at, UTC).date().isoformat()


def _utc(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


_LAST_YEAR: Final = 2999


def _time_of(month: str) -> float:
    if not month:
        return datetime.now(UTC).timestamp()
    if not (found := _MONTH.fullmatch(month)) or int(found[1]) > _LAST_YEAR:
        raise DataError(f"{month!r} is not a month.", "Write it as YYYY-MM, or `all`.", field="month")
    return datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC).timestamp()
