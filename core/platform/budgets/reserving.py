"""Reservations: made under locked budget rows, so that launches at once never exceed a budget together."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any, Final

from sqlalchemy import RowMapping, and_, delete, func, insert, select, update

from core.errors import BudgetReached
from core.ids import new_id
from core.platform.budgets.acting import actor
from core.platform.budgets.records import (
    BUDGETS,
    STUDIO,
    TITLES,
    BudgetRecord,
    PaidKind,
    PaidWork,
    ReservationRecord,
    dollars,
    micros,
    month_of,
)
from core.platform.db.tables import BUDGET_ROWS, RESERVATIONS
from core.platform.db.uow import UnitOfWork
from core.text import usd

LONGEST_REASON: Final = 1_000
_OVERRIDE: Final = (
    "Raise the budget under Spending, wait for the next month (UTC), or start it all the same and enter a reason."
)


def reserve(
    uow: UnitOfWork,
    kind: PaidKind,
    amount_usd: float | None,
    what_id: str,
    person: str | None = None,
    override_reason: str | None = None,
    *,
    title: str = "",
    provider: str = "",
    low_usd: float | None = None,
) -> str:
    """Reserve what a piece of work may cost, inside the transaction that creates it; the id of the reservation.

    The rows of both budgets are locked until the commit: of several launches at once, each sees what the others
    reserved. The same `what_id` has one open reservation; reserving again returns its id.

    Args:
        amount_usd: the upper end of the estimate; 0: nothing is reserved, and the id is "". None: unknown, which is
            refused where a budget applies.
        what_id: the id of the task (or of the job) that it is for.
        person, override_reason: None takes those of `acting`.
        provider: where it is paid, by name.
        low_usd: the lower end of the estimate, to compare with the bill.

    Raises:
        BudgetReached: a budget does not cover it, and no reason was entered.
    """
    if amount_usd is not None and amount_usd <= 0:
        return ""
    person = actor().person if person is None else person
    reason = (actor().override_reason if override_reason is None else override_reason).strip()[:LONGEST_REASON]
    limits = _locked(uow, kind)
    open_one = select(RESERVATIONS.c.id).where(RESERVATIONS.c.what_id == what_id, RESERVATIONS.c.state == "open")
    if (found := uow.execute(open_one).scalar()) is not None:
        return str(found)
    needed = micros(amount_usd or 0.0)
    refused = _refused(uow, limits, kind, None if amount_usd is None else needed)
    if refused and not reason:
        raise refused
    row: dict[str, Any] = {
        "id": new_id("resv"), "kind": kind, "what_id": what_id, "title": title, "provider": provider,
        "person": person, "low_micros": None if low_usd is None else micros(low_usd), "amount_micros": needed,
        "spent_micros": None, "state": "open", "override_reason": reason if refused else "",
        "created_at": time.time(), "closed_at": None,
    }  # fmt: skip
    uow.execute(insert(RESERVATIONS).values(**row))
    return str(row["id"])


def reserve_for(uow: UnitOfWork, work: PaidWork | None, what_id: str, title: str) -> str:
    """As `reserve`, for work that was estimated before; None is free."""
    return "" if work is None else reserve(
        uow, work.kind, work.amount_usd, what_id, title=title, provider=work.provider, low_usd=work.low_usd
    )  # fmt: skip


def settle(what_id: str, usd: float, *, uow: UnitOfWork | None = None) -> None:
    """Close the open reservation of work that has ended with its bill; nothing happens where none is open."""
    _close(what_id, usd, "settled", uow)


def release(what_id: str, spent_usd: float = 0.0, *, uow: UnitOfWork | None = None) -> None:
    """Close the open reservation of work that failed or was cancelled with what it had spent until then."""
    _close(what_id, spent_usd, "released", uow)


def gather(what_id: str, usd: float) -> None:
    """Close the open reservation of a small piece of work with its bill, and add it to the sum of its day.

    The same kind of work of the same title, provider and person is one row a day. One that was started beyond a budget
    remains on its own, with its reason.
    """
    with UnitOfWork() as uow:
        is_open = (RESERVATIONS.c.what_id == what_id) & (RESERVATIONS.c.state == "open")
        row = uow.execute(select(RESERVATIONS).where(is_open)).mappings().first()
        if row is None:
            return
        if row["override_reason"]:
            _close(what_id, usd, "settled", uow)
        else:
            _add_to_day(uow, row, micros(max(usd, 0.0)))
            uow.execute(delete(RESERVATIONS).where(RESERVATIONS.c.id == row["id"]))
        uow.commit()


def _add_to_day(uow: UnitOfWork, row: RowMapping, spent: int) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(row["created_at"]))
    parts = (day, row["kind"], row["title"], row["provider"], row["person"])
    own = "resv_" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()
    sums = {"low_micros": 0, "amount_micros": 0, "spent_micros": 0}
    uow.insert_new(RESERVATIONS, [{**row, **sums, "id": own, "what_id": own, "state": "settled"}])
    added = {
        "low_micros": RESERVATIONS.c.low_micros + (row["low_micros"] or 0),
        "amount_micros": RESERVATIONS.c.amount_micros + row["amount_micros"],
        "spent_micros": RESERVATIONS.c.spent_micros + spent, "closed_at": time.time(),
    }  # fmt: skip
    uow.execute(update(RESERVATIONS).where(RESERVATIONS.c.id == own).values(added))


def again(uow: UnitOfWork, what_id: str) -> None:
    """Before work that ended is tried again: reserve what its last reservation had left.

    Raises:
        BudgetReached: a budget does not cover it.
    """
    newest = select(RESERVATIONS).where(RESERVATIONS.c.what_id == what_id)
    last = uow.execute(newest.order_by(RESERVATIONS.c.created_at.desc()).limit(1)).mappings().first()
    if last is None or last["state"] == "open":
        return
    left = last["amount_micros"] - last["spent_micros"]
    amount = dollars(left if left > 0 else last["amount_micros"])
    reserve(uow, last["kind"], amount, what_id, title=last["title"], provider=last["provider"])


def open_reservations() -> list[ReservationRecord]:
    """Those of work that has not ended, the oldest first."""
    with UnitOfWork(write=False) as uow:
        query = select(RESERVATIONS).where(RESERVATIONS.c.state == "open").order_by(RESERVATIONS.c.created_at)
        return [record_of(row) for row in uow.execute(query).mappings()]


def budgets_in(uow: UnitOfWork, at: float | None = None) -> list[BudgetRecord]:
    """Every budget in the month of `at` (now): the studio's first."""
    limits = {row.kind: row.limit_micros for row in uow.execute(select(BUDGET_ROWS))}
    used = _used(uow, time.time() if at is None else at)
    records = []
    for kind in BUDGETS:
        spent, reserved = (sum(of[part] for name, of in used.items() if kind in (STUDIO, name)) for part in (0, 1))
        limit = limits.get(kind)
        records.append(BudgetRecord(kind, None if limit is None else dollars(limit), dollars(spent), dollars(reserved)))
    return records


def record_of(row: RowMapping) -> ReservationRecord:
    """The record of a row of `budget_reservations`."""
    values = dict(row)
    low, amount, spent = (values.pop(f"{name}_micros") for name in ("low", "amount", "spent"))
    low_usd, spent_usd = (None if one is None else dollars(one) for one in (low, spent))
    return ReservationRecord(**values, low_usd=low_usd, amount_usd=dollars(amount), spent_usd=spent_usd)


def set_limit(uow: UnitOfWork, kind: str, usd: float | None, person: str) -> None:
    """Change a budget; people are warned again if it is used up again."""
    _ensure_rows(uow)
    values = {
        "limit_micros": None if usd is None else micros(usd), "warned": "", "changed_by": person,
        "changed_at": time.time(),
    }  # fmt: skip
    uow.execute(update(BUDGET_ROWS).where(BUDGET_ROWS.c.kind == kind).values(values))


def _ensure_rows(uow: UnitOfWork) -> None:
    rows = [{"kind": kind, "limit_micros": None, "warned": "", "changed_by": "", "changed_at": 0.0} for kind in BUDGETS]
    uow.insert_new(BUDGET_ROWS, rows)


def _locked(uow: UnitOfWork, kind: str) -> dict[str, int]:
    """The limits that apply to a kind, with their rows locked in one order. SQLite has locked the database."""
    names = sorted((STUDIO, kind))
    query = select(BUDGET_ROWS).where(BUDGET_ROWS.c.kind.in_(names)).order_by(BUDGET_ROWS.c.kind).with_for_update()
    rows = uow.execute(query).all()
    if len(rows) < len(names):
        _ensure_rows(uow)
        rows = uow.execute(query).all()
    return {row.kind: row.limit_micros for row in rows if row.limit_micros is not None}


def _used(uow: UnitOfWork, at: float) -> dict[str, tuple[int, int]]:
    """{kind: (spent, reserved)} in the month of `at`; work that began earlier and has not ended counts there."""
    start, end = month_of(at)
    this_month = and_(RESERVATIONS.c.created_at >= start, RESERVATIONS.c.created_at < end)
    query = (
        select(
            RESERVATIONS.c.kind,
            func.coalesce(func.sum(RESERVATIONS.c.spent_micros), 0),
            func.coalesce(func.sum(RESERVATIONS.c.amount_micros).filter(RESERVATIONS.c.state == "open"), 0),
        )
        .where(this_month)
        .group_by(RESERVATIONS.c.kind)
    )
    return {kind: (int(spent), int(reserved)) for kind, spent, reserved in uow.execute(query)}


def _refused(uow: UnitOfWork, limits: dict[str, int], kind: str, needed: int | None) -> BudgetReached | None:
    """The error where a limit does not cover the amount, the kind's own limit first; None where all do."""
    if not limits:
        return None
    used = _used(uow, time.time())
    for name in (kind, STUDIO):
        if name not in limits:
            continue
        if needed is None:
            message = f"The cost is not known, and the budget “{TITLES[name]}” applies to it."
            return BudgetReached(message, "Enter its price under Spending, or start it all the same with a reason.")
        taken = sum(sum(of) for other, of in used.items() if name in (STUDIO, other))
        if taken + needed > limits[name]:
            left = max(limits[name] - taken, 0)
            message = (
                f"The budget “{TITLES[name]}” does not cover this: it may cost {usd(dollars(needed))}, and "
                f"{usd(dollars(left))} of {usd(dollars(limits[name]))} is left this month."
            )
            return BudgetReached(message, _OVERRIDE)
    return None


def _close(what_id: str, spent_usd: float, state: str, uow: UnitOfWork | None) -> None:
    if uow is None:
        with UnitOfWork() as own:
            _close(what_id, spent_usd, state, own)
            own.commit()
        return
    values = {"state": state, "spent_micros": micros(max(spent_usd, 0.0)), "closed_at": time.time()}
    is_open = (RESERVATIONS.c.what_id == what_id) & (RESERVATIONS.c.state == "open")
    uow.execute(update(RESERVATIONS).where(is_open).values(values))
