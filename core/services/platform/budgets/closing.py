"""Closes reservations: work that has ended gets its bill, also where its worker died."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from sqlalchemy import func, select

from core.errors import NotFound
from core.platform import budgets
from core.platform.budgets import PaidWork, ReservationRecord
from core.platform.budgets.records import dollars
from core.platform.db.tables import JOBS, RESERVATIONS
from core.platform.db.uow import read
from core.platform.tasks import store
from core.platform.tasks.kinds import KINDS, kind_of
from core.platform.tasks.records import TaskRecord

log = logging.getLogger(__name__)

CALL_S: Final = 3_600.0  # a reservation without a task belongs to a call of this length at most


def upper(kind_id: str, payload: Mapping[str, Any]) -> PaidWork | None:
    """What a new task with this payload may cost at most; None for a kind of task that is never paid for."""
    module = KINDS.get(kind_id).bill
    work: PaidWork | None = import_module(module).upper(payload) if module else None
    return work


def close_ended(task_id: str = "") -> None:
    """Close the open reservations of tasks that have ended, with what each has cost.

    Args:
        task_id: only of this task.
    """
    for reservation in budgets.open_reservations():
        if task_id and reservation.what_id != task_id:
            continue
        try:
            _close(reservation)
        except Exception:  # one that cannot be read must not keep the others open
            log.exception("The reservation for %s could not be closed.", reservation.what_id)


def _close(reservation: ReservationRecord) -> None:
    task = _task_of(reservation.what_id)
    if task is None:
        if time.time() - reservation.created_at > CALL_S:  # its process died, or its task was deleted
            budgets.release(reservation.what_id, reservation.amount_usd)
        return
    if not task.is_terminal:
        return
    cost = _spent(task, reservation)
    succeeded = task.state == "succeeded"
    unknown = reservation.amount_usd if succeeded else 0.0
    bill = unknown if cost is None else max(cost - _earlier(reservation), 0.0)
    (budgets.settle if succeeded else budgets.release)(reservation.what_id, bill)


def _spent(task: TaskRecord, reservation: ReservationRecord) -> float | None:
    """What a task has cost in all of its attempts; None where that is not known. Where what knows its prices was
    deleted, it is everything that was reserved."""
    module = kind_of(task.kind).bill
    try:
        cost: float | None = import_module(module).spent(task) if module else None
    except NotFound:
        return _earlier(reservation) + reservation.amount_usd
    return cost


def _task_of(what_id: str) -> TaskRecord | None:
    """The task with this id, or that of the job with this id."""
    found = read(select(JOBS.c.task_id).where(JOBS.c.id == what_id))
    try:
        return store.get(found[0][0] if found else what_id)
    except NotFound:
        return None


def _earlier(reservation: ReservationRecord) -> float:
    """What earlier attempts of the same work were settled with: a task's bill covers all of them."""
    others = (RESERVATIONS.c.what_id == reservation.what_id) & (RESERVATIONS.c.state != "open")
    return dollars(int(read(select(func.coalesce(func.sum(RESERVATIONS.c.spent_micros), 0)).where(others))[0][0]))
