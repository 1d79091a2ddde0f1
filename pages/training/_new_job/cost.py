"""*Estimate Cost* of a hosted job: tokens are counted at a click, and beside it, what is left of the budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.services.platform import budgets
from core.services.training import cost
from core.services.training.cost import CostEstimate
from pages.ui import components, navigation
from pages.ui.errors import boundary
from pages.ui.format import md, sentence

_LATEST = "cost_estimate"


def panel(connection: str, base_model: str, dataset_id: str, hyperparameters: Mapping[str, Any]) -> None:
    """The card with the button, and the estimate of exactly these choices once it was made."""
    choices = (connection, base_model, dataset_id, tuple(sorted((name, str(v)) for name, v in hyperparameters.items())))
    components.heading("Cost", "Before anything is sent")
    with st.container(border=True, gap="small", key="cost"), boundary():
        if st.button("Estimate Cost", icon=":material/calculate:", key="estimate_cost"):
            with st.spinner("Counting tokens"):
                found = cost.estimate_at(connection, base_model, dataset_id, hyperparameters)
            st.session_state[_LATEST] = (choices, found)
        made, found = st.session_state.get(_LATEST, (None, None))
        if made == choices:
            _shown(found)
        else:
            st.caption("Tokens of your dataset, times epochs, times the price. You are asked for nothing else.")


def _shown(found: CostEstimate) -> None:
    st.markdown(f"**{md(found.text)}**" + (" :gray[counted]" if found.exact else " :gray[estimated]"))
    st.caption(sentence(found.basis))
    if found.remedy:
        st.caption(f":orange[:material/warning: {sentence(found.remedy)}]")
        navigation.button("Spending", "spending", icon=":material/payments:", key="to_spending")
        return
    for budget in budgets.budgets_of(budgets.TRAINING):
        color = "orange" if (found.high_usd or 0.0) > (budget.left_usd or 0.0) else "gray"
        st.caption(f":{color}[:material/savings: {md(budget.left)}]")
