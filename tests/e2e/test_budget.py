"""A budget stops paid work in a real Chromium; a reason starts it, and Spending shows reason and bill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.services.data import smart
from core.services.platform import budgets, drafts
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.support.smart import connect, upload
from tests.support.writing_server import KEY, MODEL, Writing, writing_server

pytestmark = pytest.mark.browser
REASON = "The customer's launch is on Monday."


@pytest.fixture
def server() -> Iterator[Writing]:
    with writing_server() as running:
        yield running


@pytest.fixture
def no_limits(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The studio is shared with other journeys."""
    monkeypatch.setenv("SFT_DATA_DIR", str(studio.data_dir))
    yield
    budgets.set_budget("smart", None)


@pytest.mark.usefixtures("no_limits")
def test_a_budget_stops_paid_work_until_a_reason_is_given(studio: Studio, open_page, server: Writing) -> None:
    price = {MODEL: {"input": 400.0, "output": 800.0}}
    paid = connect(server.url, name="Paid writer", key=KEY, prices=price)
    source = upload([{"product": f"Tea {number}", "price": f"{number}.50"} for number in range(1, 13)])
    recipe = smart.SmartRecipe(connection_id=paid, model=MODEL, columns=("product", "price"),
                               patterns=("What is {{product}}?",))  # fmt: skip
    state = {"source_id": source, "mode": "smart", "smart": recipe.model_dump(mode="json"), "name": "Paid for"}
    draft = drafts.create("convert", state, step="convert")

    page = open_page()
    visit(page, f"{studio.url}/spending")
    page.locator(".st-key-edit_budget_smart button").click()
    field = page.get_by_label("US dollars per calendar month (UTC)", exact=True)
    field.fill("0.50")
    field.press("Tab")
    settle(page)
    page.locator(".st-key-budget_save button").click()
    page.locator(".st-key-budget_smart").get_by_text("left of $0.50").wait_for()
    settle(page)

    visit(page, f"{studio.url}/convert?draft={draft.id}&step=convert")
    page.locator(".st-key-convert_now button:enabled").click()
    page.get_by_text("The budget does not cover this").wait_for()
    settle(page)
    assert server.asked == 0
    assert beyond_edge(page) == []
    page.get_by_label("Reason to exceed the budget", exact=True).fill(REASON)
    page.locator("[class*=st-key-budget_accept] button").click()
    page.get_by_text("Labeled Examples:").wait_for()
    settle(page)
    assert server.asked == 12

    visit(page, f"{studio.url}/spending")
    beyond = page.locator(".st-key-overrides")
    beyond.get_by_text(REASON).wait_for()
    beyond.get_by_text("$0.96 billed").wait_for()  # 12 rows of 100 and 50 tokens
    page.locator(".st-key-budget_smart").get_by_text("Used up").wait_for()
    narrow = open_page(width=420, scheme="dark")
    visit(narrow, page.url)
    narrow.locator(".st-key-overrides").wait_for()
    settle(narrow)
    assert beyond_edge(narrow) == []
