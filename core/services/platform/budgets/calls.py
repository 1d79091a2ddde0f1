"""Paid calls that a person waits for: a preview, a proposal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.ids import new_id
from core.platform import budgets
from core.platform.budgets import PaidWork
from core.platform.db.uow import UnitOfWork


@contextmanager
def paid_call(work: PaidWork, title: str, bill: Callable[[], float | None]) -> Iterator[None]:
    """Reserve the upper end of a call, and settle it afterwards, also after an error.

    Args:
        bill: what it has cost in US dollars, called at the end; None: unknown.

    Raises:
        BudgetReached: a budget does not cover it; nothing is called.
    """
    what_id = new_id("call")
    with UnitOfWork() as uow:
        reserved = budgets.reserve_for(uow, work, what_id, title)
        uow.commit()
    try:
        yield
    except BaseException:
        if reserved:
            budgets.release(what_id, bill() or 0.0)
        raise
    if reserved:
        budgets.settle(what_id, bill() or 0.0)
