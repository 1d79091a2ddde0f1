"""Spending: budgets with their bars, figures of a month, open reservations, overrides, prices; and a refused start.

AppTest cannot press a button in a dialog that a click opened, so the dialogs are drawn alone.
"""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.platform.db.uow import UnitOfWork
from core.services.platform import budgets, connections
from core.services.training import cost
from tests.support.screens import part, shows, words


def reserve(what: str, usd: float, **more: str) -> None:
    with UnitOfWork() as uow:
        budgets.reserve(uow, "training", usd, what, "Ada", title=f"Train {what}", provider="Nebius", low_usd=1, **more)
        uow.commit()


def test_before_anything_was_paid_it_says_what_will_appear(open_screen, read) -> None:
    app = open_screen("spending")
    read(app)
    assert "Nothing was paid for in this month." in words(app)
    assert part(app, "budgets").count("no limit") == 5
    assert not shows(app, "reserved_now")
    assert not shows(app, "overrides")


def test_budgets_figures_reservations_and_overrides_are_shown(open_screen, read) -> None:
    budgets.set_budget("studio", 10)
    reserve("one", 4)
    reserve("two", 4)
    budgets.settle("one", 3.5)
    reserve("three", 9, override_reason="The customer *waits*.")
    app = open_screen("spending")
    read(app)
    assert [(tile.label, tile.value) for tile in app.metric[:2]] == [("Spent", "$3.50"), ("Reserved", "$13.00")]
    assert "Used up" in words(app)
    assert r"\$1\.00 to \$4\.00 reserved" in part(app, "reserved_now")
    beyond = part(app, "overrides")
    assert "Train three" in beyond
    assert r"The customer \*waits\*\." in beyond
    assert len(app.dataframe) == 2  # by kind, and the published prices


def _edit(kind: str) -> None:
    from core.services.platform import budgets
    from pages.platform._spending.budgets import edit

    edit(next(budget for budget in budgets.get_budgets() if budget.kind == kind))


def test_a_budget_is_set_and_removed(studio_env) -> None:
    dialog = AppTest.from_function(_edit, kwargs={"kind": "smart"}, default_timeout=180).run()
    dialog.number_input(key="budget_limit_smart").set_value(25.0)
    dialog.button(key="budget_save").click().run()
    assert budgets.get_budgets()[2].limit_usd == 25
    dialog = AppTest.from_function(_edit, kwargs={"kind": "smart"}, default_timeout=180).run()
    dialog.button(key="budget_remove").click().run()
    assert budgets.get_budgets()[2].limit_usd is None


def _price() -> None:
    from pages.platform._spending.prices import edit

    edit(None)


def test_a_price_is_entered_shown_and_deleted(open_screen, read) -> None:
    connections.save(name="Nebius", kind="openai", base_url="https://ft.example.org/v1")
    dialog = AppTest.from_function(_price, default_timeout=180).run()
    dialog.text_input(key="price_base").set_value("Qwen/Qwen3-8B")
    dialog.number_input(key="price_usd").set_value(0.7)
    dialog.run()
    dialog.button(key="price_save").click().run()
    (price,) = cost.entered()
    assert (price.base_model, price.usd) == ("Qwen/Qwen3-8B", 0.7)
    app = open_screen("spending")
    assert "Nebius" in part(app, "entered_prices")
    app.button(key=f"delete_price_{price.id}").click().run()
    read(app)
    assert cost.entered() == []


def _start() -> None:
    import streamlit as st

    from core.platform.db.uow import UnitOfWork
    from core.services.platform import budgets
    from pages.ui import overrides
    from pages.ui.errors import boundary

    with boundary():
        if overrides.pressed(st.button("Launch", key="launch"), "launch"):
            with overrides.start("launch"), UnitOfWork() as uow:
                budgets.reserve(uow, "training", 5, "task_1", title="Train")
                uow.commit()
            st.markdown("launched")


def test_a_start_that_a_budget_refuses_is_repeated_with_a_reason(studio_env) -> None:
    budgets.set_budget("training", 1)
    app = AppTest.from_function(_start, default_timeout=180).run()
    app.button(key="launch").click().run()
    shown = " ".join(str(item.value) for item in app.markdown)
    assert "The budget does not cover this" in shown
    assert "launched" not in shown
    app.text_area(key="budget_reason_field").set_value("The customer waits.")
    app.button(key="budget_accept").click().run()
    assert "launched" in [item.value for item in app.markdown]
    (one,) = budgets.open_reservations()
    assert one.override_reason == "The customer waits."
    app.button(key="launch").click().run()  # the reason counted once; the reservation of this work is there already
    assert len(budgets.open_reservations()) == 1
