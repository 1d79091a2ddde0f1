"""Reservations: what fits is reserved, what does not is refused, however many launches come at once."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from core.errors import BudgetReached
from core.platform import budgets
from core.platform.budgets.records import micros
from core.platform.budgets.reserving import budgets_in, set_limit
from core.platform.db.tables import RESERVATIONS
from core.platform.db.uow import UnitOfWork


def limit(kind: str, usd: float | None) -> None:
    with UnitOfWork() as uow:
        set_limit(uow, kind, usd, "")
        uow.commit()


def reserve(what: str, usd: float | None, kind: budgets.PaidKind = "training", **more: str) -> str:
    with UnitOfWork() as uow:
        made = budgets.reserve(uow, kind, usd, what, **more)
        uow.commit()
    return made


def used(kind: str) -> tuple[float, float]:
    with UnitOfWork(write=False) as uow:
        found = next(budget for budget in budgets_in(uow) if budget.kind == kind)
    return found.spent_usd, found.reserved_usd


@pytest.mark.parametrize("first", [True, False], ids=["no row yet", "rows"])
def test_ten_launches_at_once_against_room_for_three_never_overspend(database, first: bool) -> None:
    limit("studio", 0.3)
    if not first:
        budgets.release(reserve("earlier", 0.01))
    launches = subprocess.Popen(
        [sys.executable, "-m", "tests.support.reserver", "training", "0.1", "10"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert [launches.stdout.readline() for _ in range(10)] == ["ready\n"] * 10
        ended = launches.communicate(timeout=60)[0].split()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(launches.pid, signal.SIGKILL)
    room = 3 if first else 2  # the earlier one is not released: its id is not what it is for
    assert ended.count("reserved") == room
    assert ended.count("refused") == 10 - room
    assert used("studio")[1] == pytest.approx(0.3 if first else 0.21)


def test_the_bill_takes_the_place_of_the_reservation(database) -> None:
    limit("training", 10)
    reserve("task_1", 8)
    assert used("training") == (0, 8)
    with pytest.raises(BudgetReached, match=r"may cost \$3.00, and \$2.00 of \$10.00 is left this month"):
        reserve("task_2", 3)
    budgets.settle("task_1", 5.5)
    assert used("training") == (5.5, 0)
    assert reserve("task_2", 3)
    budgets.release("task_2", 0.25)
    assert used("training") == used("studio") == (5.75, 0)
    budgets.settle("task_1", 99)  # it is closed already
    assert used("training") == (5.75, 0)


def test_work_has_one_open_reservation(database) -> None:
    assert reserve("task_1", 1) == reserve("task_1", 1)
    assert used("studio") == (0, 1)


def test_what_costs_nothing_reserves_nothing(database) -> None:
    limit("studio", 0)
    assert reserve("task_1", 0) == ""
    with pytest.raises(BudgetReached):
        reserve("task_1", 0.000001)


def test_an_unknown_cost_is_refused_where_a_budget_applies(database) -> None:
    reserve("task_1", None, "smart")
    limit("training", 5)
    reserve("task_2", None, "smart")
    with pytest.raises(BudgetReached, match="cost is not known, and the budget “Training” applies"):
        reserve("task_3", None)
    assert reserve("task_3", None, override_reason="The price arrives tomorrow.")


def test_the_budget_of_a_kind_and_the_budget_of_the_studio_both_apply(database) -> None:
    limit("studio", 10)
    limit("smart", 4)
    with pytest.raises(BudgetReached, match="“Smart mode”"):
        reserve("task_1", 5, "smart")
    reserve("task_1", 4, "smart")
    with pytest.raises(BudgetReached, match="“Studio”"):
        reserve("task_2", 7)
    assert reserve("task_2", 6)


def test_an_override_is_recorded_with_its_reason_and_person_only_where_it_was_needed(database) -> None:
    limit("studio", 5)
    with budgets.acting("Ada", "The customer waits."):
        reserve("task_1", 5)
        reserve("task_2", 5)
    within, beyond = budgets.open_reservations()
    assert (within.person, within.override_reason) == ("Ada", "")
    assert (beyond.person, beyond.override_reason) == ("Ada", "The customer waits.")
    with pytest.raises(BudgetReached), budgets.acting("Ada", "  "):
        reserve("task_3", 5)


def test_what_is_rolled_back_reserves_nothing(database) -> None:
    with UnitOfWork() as uow:
        budgets.reserve(uow, "training", 5, "task_1")
    assert used("studio") == (0, 0)


def test_a_retry_reserves_what_its_last_reservation_had_left(database) -> None:
    limit("studio", 10)
    reserve("task_1", 9)
    budgets.release("task_1", 4)
    with UnitOfWork() as uow:
        budgets.again(uow, "task_1")
        budgets.again(uow, "never reserved")
        uow.commit()
    assert used("studio") == (4, 5)
    budgets.release("task_1", 5)
    with pytest.raises(BudgetReached), UnitOfWork() as uow:
        budgets.again(uow, "task_1")


def test_a_new_month_begins_at_zero(database) -> None:
    limit("studio", 10)
    reserve("task_1", 10)
    start, _ = budgets.month_of(datetime.now(UTC).timestamp())
    with UnitOfWork() as uow:
        uow.execute(update(RESERVATIONS).values(created_at=start - 1))
        uow.commit()
    assert used("studio") == (0, 0)
    assert reserve("task_2", 10)


@pytest.mark.parametrize(
    ("at", "start", "following"),
    [
        ("2026-11-30T23:59:59+00:00", "2026-11-01", "2026-12-01"),
        ("2026-12-31T23:59:59+00:00", "2026-12-01", "2027-01-01"),
        ("2027-01-01T00:30:00+02:00", "2026-12-01", "2027-01-01"),
        ("2028-02-29T12:00:00+00:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_months_are_those_of_utc(at: str, start: str, following: str) -> None:
    found = budgets.month_of(datetime.fromisoformat(at).timestamp())
    assert [datetime.fromtimestamp(one, UTC).date().isoformat() for one in found] == [start, following]


def test_amounts_are_exact() -> None:
    assert micros(0.1) + micros(0.2) == micros(0.3)
    assert micros(1e-7) == 1  # rounded up
    assert micros(0.07 * 3) == 210_000


def test_the_error_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(BudgetReached("The budget is used up.", "Raise it.")))
    assert (error.message, error.remedy) == ("The budget is used up.", "Raise it.")


def test_answers_of_a_day_are_one_row_and_those_beyond_a_budget_their_own(database) -> None:
    def answer(what: str, **more: str) -> None:
        reserve(what, 0.5, "answers", title="Answers of “Items”", provider="Cloud", **more)
        budgets.gather(what, 0.25)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(answer, [f"answer_{number}" for number in range(12)]))
    answer("of_ada", person="Ada")
    limit("answers", 1)
    answer("beyond", override_reason="The customer waits.")
    budgets.gather("answer_1", 0.25)  # it is closed: nothing happens
    with UnitOfWork(write=False) as uow:
        rows = uow.execute(select(RESERVATIONS).order_by(RESERVATIONS.c.spent_micros.desc())).mappings().all()
    assert [(row["spent_micros"], row["amount_micros"]) for row in rows] == [
        (micros(3), micros(6)), (micros(0.25), micros(0.5)), (micros(0.25), micros(0.5)),
    ]  # fmt: skip
    assert {(row["person"], row["override_reason"]) for row in rows} == {
        ("", ""), ("Ada", ""), ("", "The customer waits."),
    }  # fmt: skip
    assert used("answers") == (3.5, 0.0)
