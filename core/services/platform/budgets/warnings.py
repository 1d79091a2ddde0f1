"""Notices about budgets: once at 80 %, and once when a budget is used up."""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import select, update

from core.platform.budgets.records import BudgetRecord
from core.platform.budgets.reserving import budgets_in
from core.platform.db.tables import BUDGET_ROWS
from core.platform.db.uow import UnitOfWork
from core.platform.notices import send

_LEVELS: Final = ("warning", "reached")


def warn() -> None:
    """Send the notices that are due; called again and again by the reconciler."""
    month = time.strftime("%Y-%m", time.gmtime())
    with UnitOfWork(write=False) as uow:
        due = [budget for budget in budgets_in(uow) if budget.state in _LEVELS]
        sent = {row.kind: row.warned for row in uow.execute(select(BUDGET_ROWS.c.kind, BUDGET_ROWS.c.warned))}
    for budget in due:
        mark = f"{month}:{budget.state}"
        if sent.get(budget.kind, "") not in (mark, f"{month}:reached"):
            _send(budget, mark, sent.get(budget.kind, ""))


def _send(budget: BudgetRecord, mark: str, before: str) -> None:
    limit, share = budget.limit_usd or 0.0, budget.share or 0.0
    text = (
        f"${budget.spent_usd:,.2f} is spent and ${budget.reserved_usd:,.2f} is reserved of ${limit:,.2f} for this "
        "month (UTC)."
    )
    name = f"The budget “{budget.title}”"
    if budget.state == "reached":
        title, more = f"{name} is used up", " New paid work is stopped; raise the budget, or start it with a reason."
    else:
        title, more = f"{name} is used to {share:.0%}", ""
    with UnitOfWork() as uow:
        own = (BUDGET_ROWS.c.kind == budget.kind) & (BUDGET_ROWS.c.warned == before)
        if uow.execute(update(BUDGET_ROWS).where(own).values(warned=mark)).rowcount == 1:  # no other reconciler did
            send(uow, f"budget_{budget.state}", title, text + more, "spending")
            uow.commit()
