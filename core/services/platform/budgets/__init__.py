"""Budgets of a calendar month (UTC) for the studio and each kind of paid work: limits, reservations, bills.

Whoever starts paid work calls `reserve` in the transaction that creates its task. A task kind names the module that
knows its bills (`TaskKind.bill`): its reservation is closed when the task has ended, by its worker or the reconciler.
"""

from core.platform.budgets import (
    ANSWERS,
    JUDGING,
    KINDS,
    SMART,
    STUDIO,
    TRAINING,
    BudgetRecord,
    PaidKind,
    PaidWork,
    ReservationRecord,
    acting,
    actor,
    find_person_by,
    gather,
    month_of,
    open_reservations,
    release,
    reserve,
    reserve_for,
    settle,
)
from core.services.platform.budgets.calls import paid_call
from core.services.platform.budgets.closing import close_ended, upper
from core.services.platform.budgets.limits import budgets_of, get_budgets, set_budget
from core.services.platform.budgets.warnings import warn
