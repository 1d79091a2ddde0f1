"""Figures of paid work: by day, provider, person and kind, in a calendar month (UTC)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from core.errors import DataError
from core.platform.db.tables import RESERVATIONS
from core.platform.db.uow import UnitOfWork
from core.services.platform import budgets, spending


def work(what: str, usd: float, day: str, *, kind: budgets.PaidKind = "training", person: str = "Ada",
         provider: str = "Nebius", bill: float | None = None, reason: str = "") -> None:  # fmt: skip
    with UnitOfWork() as uow:
        budgets.reserve(uow, kind, usd, what, person, reason, title=f"Train {what}", provider=provider)
        at = datetime.fromisoformat(f"{day}T23:30:00+00:00").timestamp()
        uow.execute(update(RESERVATIONS).where(RESERVATIONS.c.what_id == what).values(created_at=at))
        uow.commit()
    if bill is not None:
        budgets.settle(what, bill)


@pytest.fixture(autouse=True)
def _paid_work(studio_env: Path) -> None:
    work("a", 4, "2026-03-01", bill=3)
    work("b", 5, "2026-03-01", person="Grace", bill=5)
    work("c", 2, "2026-03-31", kind="smart", provider="OpenAI", person="")
    work("d", 9, "2026-04-01", bill=9)


def test_work_counts_in_the_month_in_which_it_was_started() -> None:
    march = spending.spending("2026-03")
    assert march.works[0].what_id == "c"
    assert {one.what_id for one in march.works} == {"a", "b", "c"}
    assert (march.spent_usd, march.reserved_usd) == (8, 2)
    assert (spending.spending("2026-04").spent_usd, spending.spending("all").spent_usd) == (9, 17)
    assert spending.spending("2025-12").works == ()


def test_rows_are_by_kind_provider_person_and_day() -> None:
    by = spending.spending("2026-03").by
    assert [(row.key, row.works, row.spent_usd, row.reserved_usd) for row in by["kind"]] == [
        ("Training", 2, 8, 0),
        ("Smart mode", 1, 0, 2),
    ]
    assert [row.key for row in by["provider"]] == ["Nebius", "OpenAI"]
    assert [(row.key, row.total_usd) for row in by["person"]] == [("Grace", 5), ("Ada", 3), ("", 2)]
    assert [(row.key, row.total_usd) for row in by["day"]] == [("2026-03-01", 8), ("2026-03-31", 2)]


def test_each_day_is_divided_by_what_the_chart_shows() -> None:
    daily = spending.spending("2026-03").daily
    assert daily["person"] == {"2026-03-01": {"Ada": 3, "Grace": 5}, "2026-03-31": {"": 2}}


def test_months_reach_from_the_first_work_to_now() -> None:
    found = spending.months()
    assert found[0] == f"{datetime.now(UTC):%Y-%m}"
    assert found[-2:] == ["2026-04", "2026-03"]


@pytest.mark.parametrize("month", ["2026", "2026-13", "march", "0000-01", "9999-12"])
def test_what_is_not_a_month_is_refused(month: str) -> None:
    with pytest.raises(DataError):
        spending.spending(month)


def test_the_csv_has_a_line_for_each_work_and_no_formula() -> None:
    budgets.set_budget("studio", 0)
    work("e", 1, "2026-05-01", person="=1+1", reason="It is urgent.")
    lines = list(csv.DictReader(io.StringIO(spending.spending_csv(spending.spending("2026-05")).decode())))
    assert [(line["person"], line["reserved_usd"], line["billed_usd"], line["override_reason"]) for line in lines] == [
        ("'=1+1", "1.0", "", "It is urgent.")
    ]
    assert [one.override_reason for one in spending.overrides()] == ["It is urgent."]
    assert {one.what_id for one in spending.open_now()} == {"c", "e"}
