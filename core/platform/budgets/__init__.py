"""Budgets: what paid work may cost in a month, and the reservations that keep it within that.

Paid work reserves the upper end of its estimate in the transaction that creates it, and is settled with its bill.
"""

from core.platform.budgets.acting import acting, actor, find_person_by
from core.platform.budgets.records import (
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
    month_of,
)
from core.platform.budgets.reserving import again, gather, open_reservations, release, reserve, reserve_for, settle
