"""Paid calls that a person waits for: a preview, a proposal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.ids import new_id
from core.platform import budgets
from core.platform.budgets import PaidWork
from core.platform.db.uow import UnitOfWork


@dataclass
class Bill:
    """What a call has cost until now, in US dollars."""

    usd: float = 0.0


@contextmanager
def paid_call(work: PaidWork, title: str) -> Iterator[Bill]:
    """Reserve the upper end of a call, and settle it afterwards with the `usd` of the bill, also after an error.

    Raises:
        BudgetReached: a budget does not cover it; nothing is called.
    """
    what_id = new_id("call")
    with UnitOfWork() as uow:
        budgets.reserve_for(uow, work, what_id, title)
        uow.commit()
    bill = Bill()
    try:
        yield bill
    except BaseException:
        budgets.release(what_id, bill.usd)
        raise
    budgets.settle(what_id, bill.usd)
