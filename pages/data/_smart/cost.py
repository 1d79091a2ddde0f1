"""What smart mode takes: rows, requests, tokens and money, said before they are spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.services.data import smart
from core.services.data.smart import SmartEstimate, SmartRecipe
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from pages.ui import components
from pages.ui.format import number, plural


def usd(amount: float | None) -> str:
    """`$0.42`, `$0.0031`, `free`; a dash where no price is known."""
    if amount is None:
        return "–"
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 0.1 else f"${amount:.2g}" if amount >= 0.0001 else "under $0.0001"


def estimate_card(estimate: SmartEstimate, recipe: SmartRecipe, record: ConnectionRecord) -> None:
    """Rows, requests, tokens and cost of the whole file."""
    with st.container(border=True, gap="small", key="estimate"):
        components.facts(
            [
                ("Rows", number(estimate.rows)),
                ("Examples", f"up to {number(estimate.rows * recipe.examples_per_row)}"),
                ("Requests", number(estimate.calls)),
                ("Tokens in", f"about {number(estimate.prompt_tokens)}"),
                ("Tokens out", f"up to {number(estimate.completion_tokens)}"),
                ("Cost", cost_words(estimate.cost_usd, record, recipe.model)),
                ("Budget", usd(recipe.budget_usd) if recipe.budget_usd else "no limit"),
            ]
        )
        if recipe.budget_usd and estimate.cost_usd and estimate.cost_usd > recipe.budget_usd:
            share = recipe.budget_usd / estimate.cost_usd
            st.caption(
                f":orange[:material/warning: The budget is for about {share:.0%} of the rows.] The work pauses there; "
                "you can raise it and go on."
            )
        if estimate.cost_usd is None:
            st.caption("No price is known for this model. Enter it in Settings, and the cost is counted as it grows.")
        said = f"Rests on {estimate.basis}." if estimate.basis else ""
        dated = f" Prices as of {estimate.price_as_of}." if estimate.price_as_of else ""
        if said or dated:
            st.caption(said + dated)


def cost_words(cost: float | None, record: ConnectionRecord, model: str) -> str:
    """The cost, or why there is none."""
    if cost is None:
        return "unknown: no price entered"
    price = record.price(model)
    if price is not None and price.is_free:
        return "nothing by the token"
    return f"about {usd(cost)}"


def recap(chosen: Mapping[str, Any], source_id: str) -> list[tuple[str, str]]:
    """What smart mode is about to do, as facts."""
    recipe = SmartRecipe.of(chosen)
    record = connections.get(recipe.connection_id)
    estimate = smart.estimate(source_id, recipe)
    return [
        ("Writes", f"{recipe.model} ({record.name})"),
        ("Sees", ", ".join(recipe.columns)),
        ("Asks", plural(len(recipe.patterns), "pattern") if recipe.patterns else "questions of its own"),
        ("Examples per row", str(recipe.examples_per_row)),
        ("Cost", cost_words(estimate.cost_usd, record, recipe.model)),
        ("Budget", usd(recipe.budget_usd) if recipe.budget_usd else "no limit"),
    ]
