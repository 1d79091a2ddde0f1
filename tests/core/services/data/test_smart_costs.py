"""What smart mode may cost, reserved when it starts and settled with what its rows have cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import BudgetReached
from core.services.data import smart
from core.services.data.smart import costs
from core.services.platform import budgets, drafts
from tests.support.jobs import make_dataset
from tests.support.smart import begin, connect, recipe, things, work
from tests.support.writing_server import KEY, MODEL, Writing, writing_server

PRICES = {MODEL: {"input": 100.0, "output": 200.0}}
BILL = 3 * (100 * 100 + 50 * 200) / 1_000_000  # three rows of 100 and 50 tokens


@pytest.fixture
def server(studio_env: Path) -> Iterator[Writing]:
    with writing_server() as running:
        yield running


def paid(server: Writing, prices: dict[str, dict[str, float]] | None = None, **values: object) -> smart.SmartRecipe:
    connection = connect(server.url, name="Paid", key=KEY, prices=PRICES if prices is None else prices)
    patterns = ("What colour is {{name}}?",)
    return recipe(connection, model=MODEL, patterns=patterns, **values)


def test_a_run_reserves_the_upper_end_of_its_estimate_and_is_settled_with_its_rows(server: Writing) -> None:
    source, chosen = things(3), paid(server)
    estimate = smart.estimate(source, chosen)
    assert estimate.low_usd < estimate.cost_usd < estimate.high_usd
    task = begin(source, chosen)
    (reserved,) = budgets.open_reservations()
    assert (reserved.what_id, reserved.kind, reserved.provider) == (task.id, "smart", "Paid")
    assert reserved.amount_usd == pytest.approx(estimate.high_usd, abs=1e-6)
    assert work(task.id).state == "succeeded"
    assert budgets.open_reservations() == []
    assert budgets.get_budgets()[2].spent_usd == pytest.approx(BILL)


def test_a_run_that_a_budget_does_not_cover_is_not_created(server: Writing) -> None:
    source, chosen = things(3), paid(server)
    budgets.set_budget("smart", 0.001)
    draft = drafts.create("convert", {"source_id": source, "mode": "smart", "smart": chosen.model_dump(mode="json"),
                                      "name": "Written"})  # fmt: skip
    with pytest.raises(BudgetReached):
        smart.start(draft.id)
    assert drafts.get(draft.id).result_id is None
    with budgets.acting("Ada", "It has to be done."):
        task = smart.start(draft.id)
    assert smart.start(draft.id).id == task.id  # pressed again: the same task, and no second reservation
    assert [one.override_reason for one in budgets.open_reservations()] == ["It has to be done."]


def test_its_own_budget_limits_what_is_reserved(server: Writing) -> None:
    begin(things(3), paid(server, budget_usd=0.02))
    assert [one.amount_usd for one in budgets.open_reservations()] == [0.02]


def test_a_free_model_reserves_nothing_and_an_unknown_price_is_refused_under_a_budget(server: Writing) -> None:
    source = things(3)
    budgets.set_budget("studio", 5)
    free = paid(server, {MODEL: {"input": 0.0, "output": 0.0}})
    begin(source, free, "Free")
    assert budgets.open_reservations() == []
    unknown = recipe(connect(server.url, name="No price", key=KEY), model=MODEL)
    with pytest.raises(BudgetReached, match="cost is not known"):
        begin(source, unknown, "Unknown")


def test_a_preview_is_paid_for_too(server: Writing) -> None:
    source, chosen = things(3), paid(server)
    smart.preview(source, chosen, rows=3)
    assert budgets.get_budgets()[2].spent_usd == pytest.approx(BILL)
    budgets.set_budget("smart", BILL)
    with pytest.raises(BudgetReached):
        smart.preview(source, chosen, rows=3)
    assert server.asked == 3


def test_variations_are_about_as_long_as_their_examples(server: Writing) -> None:
    dataset, chosen = make_dataset(count=12), paid(server, examples_per_row=2)
    payload = {"recipe": chosen.model_dump(mode="json"), "version_id": dataset.version.id, "positions": [0, 1]}
    two = costs.upper(payload)
    four = costs.upper({**payload, "positions": [0, 1, 2, 3]})
    assert 0 < two.amount_usd < four.amount_usd < 3 * two.amount_usd
