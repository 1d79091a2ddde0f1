"""The budgets as they are this month, and their limits."""

from __future__ import annotations

import math
from typing import Final

from core.errors import SettingsError
from core.platform.budgets.acting import actor
from core.platform.budgets.records import BUDGETS, STUDIO, BudgetRecord
from core.platform.budgets.reserving import budgets_in, set_limit
from core.platform.db.uow import UnitOfWork

MOST_USD: Final = 10_000_000.0  # a month; more is a typo


def get_budgets(at: float | None = None) -> list[BudgetRecord]:
    """Every budget in the month of `at` (Unix seconds; now): the studio's first, then each kind's."""
    with UnitOfWork(write=False) as uow:
        return budgets_in(uow, at)


def budgets_of(kind: str) -> list[BudgetRecord]:
    """The budgets with a limit that a kind of paid work counts in, the studio's first."""
    return [one for one in get_budgets() if one.kind in (STUDIO, kind) and one.limit_usd is not None]


def set_budget(kind: str, usd: float | None, person: str | None = None) -> BudgetRecord:
    """Limit a calendar month (UTC) of the studio or a kind of paid work; None removes the limit.

    Raises:
        SettingsError: no such budget, or not an amount of US dollars.
    """
    if kind not in BUDGETS:
        raise SettingsError(f"Unknown budget: {kind!r}.", f"Choose one of: {', '.join(BUDGETS)}.", field="kind")
    if usd is not None and (not math.isfinite(usd) or not 0 <= usd <= MOST_USD):
        text = f"A budget must be 0 to {MOST_USD:,.0f} US dollars; got {usd:g}."
        raise SettingsError(text, "Leave it empty for no limit.", field="limit_usd")
    with UnitOfWork() as uow:
        set_limit(uow, kind, usd, actor().person if person is None else person)
        uow.commit()
    return next(budget for budget in get_budgets() if budget.kind == kind)
