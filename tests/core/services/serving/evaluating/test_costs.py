"""What an evaluation with models behind connections costs: before it starts, reserved, and by its answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BudgetReached
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store as task_store
from core.services.platform import budgets, connections
from core.services.serving import evaluating
from core.services.serving.evaluating import costs, judging
from core.serving.evaluations import store
from core.serving.evaluations.records import AnswerRecord, EvaluationSettings
from tests.support.jobs import make_dataset

PRICES = {"small": {"input": 10.0, "output": 20.0}, "judge": {"input": 100.0, "output": 100.0}}


@pytest.fixture
def version(studio_env: Path) -> str:
    connections.save(name="Acme", kind="openai", base_url="https://llm.example.org/v1", prices=PRICES)
    return make_dataset(count=20).version.id


def test_the_range_counts_every_call_of_models_and_judge(version: str) -> None:
    one = evaluating.estimate(["Acme/small"], version, split="")
    assert one.calls == 20
    assert (one.provider, one.low_usd < one.high_usd) == ("Acme", True)
    limited = evaluating.estimate(["Acme/small"], version, split="", settings={"limit": 5, "max_tokens": 100})
    assert limited.calls == 5
    assert limited.high_usd > 5 * 100 * 20 / 1e6  # every answer as long as allowed, and the prompts
    judged = EvaluationSettings(against="Acme/small", repeats=2, judge={"model": "Acme/judge"})
    both = evaluating.estimate(["Acme/small2"], version, split="", settings=judged)
    assert (both.calls, both.high_usd) == (20 + 2 * 20 + 2 * 20, None)  # small2 has no price


def test_it_reserves_and_is_settled_by_its_answers(version: str) -> None:
    budgets.set_budget("judging", 0.000001)
    with pytest.raises(BudgetReached):
        evaluating.start(["Acme/small"], version, split="")
    budgets.set_budget("judging", None)
    started = evaluating.start(["Acme/small"], version, split="")
    (reserved,) = budgets.open_reservations()
    assert (reserved.what_id, reserved.kind, reserved.provider) == (started.task_id, "judging", "Acme")
    assert reserved.low_usd < reserved.amount_usd
    (model,) = started.models
    rows = [AnswerRecord(model.id, "", position, 0, "Blue.", prompt_tokens=1_000, tokens=100) for position in range(3)]
    rows.append(AnswerRecord(judging.HUMAN, "", 0, 0, "left", prompt_tokens=9_999, tokens=9_999))
    with UnitOfWork() as uow:
        store.add_answers(uow, started.id, rows)
        uow.commit()
    assert costs.spent(task_store.get(started.task_id)) == pytest.approx(3 * (1_000 * 10 + 100 * 20) / 1e6)


@pytest.mark.parametrize("answers", [0, 3])
def test_a_connection_that_is_deleted_meanwhile_keeps_no_reservation_open(version: str, answers: int) -> None:
    started = evaluating.start(["Acme/small"], version, split="")
    (reserved,) = budgets.open_reservations()
    rows = [AnswerRecord(started.models[0].id, "", at, 0, "Blue.", tokens=100) for at in range(answers)]
    with UnitOfWork() as uow:
        store.add_answers(uow, started.id, rows)
        uow.commit()
    (record,) = [one for one in connections.list_connections() if one.name == "Acme"]
    connections.delete(record.id)
    with UnitOfWork() as uow:
        task_store.move(uow, started.task_id, "cancelled")
        uow.commit()
    budgets.close_ended()
    assert budgets.open_reservations() == []
    spent = next(budget.spent_usd for budget in budgets.get_budgets() if budget.kind == "judging")
    assert spent == (reserved.amount_usd if answers else 0)  # without a price, what it may have cost at most


def test_models_of_the_studio_cost_nothing(version: str, studio_with_starter: Path) -> None:
    assert evaluating.estimate(["starter"], version, split="").high_usd == 0
