"""Budgets in use: what ends is settled with its bill, also after a crash, and people are warned once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.errors import BudgetReached, SettingsError
from core.platform.db.tables import NOTICES, RESERVATIONS, TASKS
from core.platform.db.uow import UnitOfWork, read
from core.platform.tasks import commands, store
from core.services.platform import budgets
from worker.reconcile import reconcile


def task(kind: str = "smart", state: str = "pending") -> str:
    with UnitOfWork() as uow:
        made, _ = store.create(uow, kind=kind, title="Write “Tea”", payload={"recipe": {}})
        budgets.reserve(uow, "smart", 5, made.id, title=made.title, provider="Acme")
        uow.commit()
    if state != "pending":
        end(made.id, state)
    return made.id


def end(task_id: str, state: str) -> None:
    with UnitOfWork() as uow:
        uow.execute(update(TASKS).where(TASKS.c.id == task_id).values(state=state, finished_at=time.time()))
        uow.commit()


def reservation(what_id: str) -> tuple[str, float | None]:
    query = select(RESERVATIONS.c.state, RESERVATIONS.c.spent_micros).where(RESERVATIONS.c.what_id == what_id)
    ((state, spent),) = read(query)
    return state, None if spent is None else spent / 1e6


@pytest.fixture(autouse=True)
def _studio(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.reconcile._announced", lambda: None)


@pytest.mark.parametrize(
    ("state", "closed"), [("succeeded", "settled"), ("failed", "released"), ("cancelled", "released")]
)
def test_the_reconciler_settles_the_reservation_of_a_task_whose_owner_died(state: str, closed: str) -> None:
    task_id = task(state=state)
    reconcile()
    assert reservation(task_id) == (closed, 0)


@pytest.mark.parametrize("state", ["pending", "running", "paused"])
def test_unfinished_work_keeps_its_reservation(state: str) -> None:
    task_id = task(state=state)
    reconcile()
    assert reservation(task_id) == ("open", None)


def test_a_reservation_without_a_task_is_closed_after_an_hour_with_its_full_amount() -> None:
    with UnitOfWork() as uow:
        budgets.reserve(uow, "smart", 2, "call_1")
        uow.commit()
    reconcile()
    assert reservation("call_1") == ("open", None)
    with UnitOfWork() as uow:
        uow.execute(update(RESERVATIONS).values(created_at=time.time() - 3_601))
        uow.commit()
    reconcile()
    assert reservation("call_1") == ("released", 2)


def test_a_retry_needs_room_in_the_budget_too() -> None:
    task_id = task(state="failed")
    budgets.close_ended()
    budgets.set_budget("smart", 4)
    with pytest.raises(BudgetReached):
        commands.request(task_id, "retry")
    assert store.get(task_id).state == "failed"
    with budgets.acting("Ada", "It has to be done."):
        commands.request(task_id, "retry")
    assert [one.override_reason for one in budgets.open_reservations()] == ["It has to be done."]


def test_a_paid_call_is_settled_also_after_an_error() -> None:
    work = budgets.PaidWork("smart", 1.0, "Acme")
    with budgets.paid_call(work, "Preview", lambda: 0.25):
        assert budgets.get_budgets()[0].reserved_usd == 1
    with pytest.raises(ValueError, match="broken"), budgets.paid_call(work, "Preview", lambda: 0.5):
        raise ValueError("broken")
    studio = budgets.get_budgets()[0]
    assert (studio.spent_usd, studio.reserved_usd) == (0.75, 0)


def test_people_are_warned_once_at_80_percent_and_once_at_the_end() -> None:
    def titles() -> list[str]:
        budgets.warn()
        budgets.warn()
        return [title for (title,) in read(select(NOTICES.c.title).order_by(NOTICES.c.id))]

    budgets.set_budget("studio", 10)
    with UnitOfWork() as uow:
        budgets.reserve(uow, "training", 8, "task_1")
        uow.commit()
    assert titles() == ["The budget “Studio” is used to 80%"]
    budgets.settle("task_1", 11)
    assert titles()[1:] == ["The budget “Studio” is used up"]
    budgets.set_budget("studio", 12)  # a changed budget warns again
    assert titles()[2:] == ["The budget “Studio” is used to 92%"]


@pytest.mark.parametrize(("kind", "usd"), [("beer", 5), ("studio", -1), ("studio", float("nan")), ("studio", 1e12)])
def test_a_budget_that_cannot_be_is_refused(kind: str, usd: float) -> None:
    with pytest.raises(SettingsError):
        budgets.set_budget(kind, usd)


def test_a_budget_is_removed() -> None:
    assert budgets.set_budget("training", 5).limit_usd == 5
    assert budgets.set_budget("training", None).state == "none"
