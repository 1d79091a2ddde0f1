"""The estimated rows, requests, tokens and cost of a run in smart mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.services.data import smart
from core.services.data.smart import SmartEstimate, SmartRecipe
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from pages.ui import components
from pages.ui.format import number, plural, range_usd, usd


def estimate_card(estimate: SmartEstimate, recipe: SmartRecipe, record: ConnectionRecord) -> None:
    """Rows, requests, tokens and cost of the full file."""
    with st.container(border=True, gap="small", key="estimate"):
        components.facts(
            [
                ("Rows", number(estimate.rows)),
                ("Examples", f"up to {number(estimate.rows * recipe.examples_per_row)}"),
                ("Requests", number(estimate.calls)),
                ("Tokens in", f"about {number(estimate.prompt_tokens)}"),
                ("Tokens out", f"up to {number(estimate.completion_tokens)}"),
                ("Cost", estimated_words(estimate, record, recipe.model)),
                *_budget(recipe, record),
            ]
        )
        if recipe.budget_usd and estimate.cost_usd and estimate.cost_usd > recipe.budget_usd:
            share = recipe.budget_usd / estimate.cost_usd
            st.caption(
                f":orange[:material/warning: The budget covers about {share:.0%} of the rows.] The run pauses there; "
                "you can raise the budget and resume."
            )
        if estimate.cost_usd is None:
            st.caption("This model has no price. Enter one in Settings to see the cost.")
        basis = f"Based on {estimate.basis}." if estimate.basis else ""
        dated = f" Prices as of {estimate.price_as_of}." if estimate.price_as_of else ""
        if basis or dated:
            st.caption(basis + dated)


def cost_words(cost: float | None, record: ConnectionRecord, model: str) -> str:
    """The cost in words, or why there is none."""
    if cost is None:
        return "unknown: no price entered"
    if is_free(record, model):
        return "none: this model is free"
    return f"about {usd(cost)}"


def estimated_words(estimate: SmartEstimate, record: ConnectionRecord, model: str) -> str:
    """The expected cost and the range around it: `about $1.28 ($0.70 to $2.60)`."""
    words = cost_words(estimate.cost_usd, record, model)
    if not estimate.cost_usd or estimate.high_usd is None:
        return words
    return f"{words} ({range_usd(estimate.low_usd, estimate.high_usd)})"


def recap(chosen: Mapping[str, Any], source_id: str) -> list[tuple[str, str]]:
    """What a run in smart mode will do, as facts."""
    recipe = SmartRecipe.of(chosen)
    record = connections.get(recipe.connection_id)
    estimate = smart.estimate(source_id, recipe)
    return [
        ("Model", f"{smart.model_title(record.id, recipe.model)} ({record.name})"),
        ("Columns", ", ".join(recipe.columns)),
        ("Questions", plural(len(recipe.patterns), "pattern") if recipe.patterns else "the model's own"),
        ("Rows used", number(estimate.rows)),
        ("Examples per row", str(recipe.examples_per_row)),
        ("Labeled examples", f"up to {number(estimate.rows * recipe.examples_per_row)}"),
        ("Cost", estimated_words(estimate, record, recipe.model)),
        *_budget(recipe, record),
    ]


def is_free(record: ConnectionRecord, model: str) -> bool:
    """Whether a model's tokens cost nothing."""
    price = record.price(model)
    return price is not None and price.is_free


def _budget(recipe: SmartRecipe, record: ConnectionRecord) -> list[tuple[str, str]]:
    """The budget as a fact; none for a free model, which needs no limit."""
    if recipe.budget_usd:
        return [("Budget", usd(recipe.budget_usd))]
    return [] if is_free(record, recipe.model) else [("Budget", "no limit")]
