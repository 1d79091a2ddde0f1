"""*Estimate Cost* of a hosted job: tokens are counted at a click, and beside it, what is left of the budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.services.data import datasets
from core.services.platform import budgets
from core.services.platform.connections import ConnectionRecord
from core.services.training import cost, hosted
from core.services.training.cost import CostEstimate
from pages.ui import components, navigation
from pages.ui.errors import boundary
from pages.ui.format import md, plural, sentence

_LATEST = "cost_estimate"


def panel(
    connection: ConnectionRecord, base_model: str, method: str, dataset_id: str, hyperparameters: Mapping[str, Any]
) -> None:
    """The card with the button, and the estimate of exactly these choices once it was made."""
    numbers = tuple(sorted((name, str(value)) for name, value in hyperparameters.items()))
    choices = (connection.id, base_model, method, dataset_id, numbers)

    def make(*, ask_service: bool) -> None:
        found = cost.estimate_at(
            connection.id, base_model, dataset_id, hyperparameters, method=method, ask_service=ask_service
        )
        st.session_state[_LATEST] = (choices, found)

    components.heading("Cost", "Before anything is sent")
    with st.container(border=True, gap="small", key="cost"), boundary():
        if st.button("Estimate Cost", icon=":material/calculate:", key="estimate_cost"):
            with st.spinner("Counting tokens"):
                make(ask_service=False)
        made, found = st.session_state.get(_LATEST, (None, None))
        if made == choices:
            _shown(found)
            if found.can_ask and _asks(connection, dataset_id):
                with st.spinner("Sending the training file"):
                    make(ask_service=True)
                st.rerun()
        else:
            st.caption("Tokens of your dataset, times epochs, times the price. Nothing is sent.")


def _asks(connection: ConnectionRecord, dataset_id: str) -> bool:
    """Whether the service's own estimate is wanted, which needs the training file there."""
    version = datasets.get_dataset(dataset_id).version
    examples = plural(version.train_examples + version.validation_examples, "example")
    st.caption(f"{examples} would be sent to {md(hosted.host_of(connection))}; nothing is trained.")
    assert connection.service is not None
    label = f"Send them and ask {md(connection.service.title)}"
    return bool(st.button(label, icon=":material/cloud_upload:", type="tertiary", key="ask_service"))


def _shown(found: CostEstimate) -> None:
    st.markdown(f"**{md(found.text)}**" + (" :gray[counted]" if found.exact else " :gray[estimated]"))
    st.caption(sentence(found.basis))
    if found.service_text:
        strong = "**" if found.service_usd is not None else ""
        st.markdown(f":small[:material/storefront: {strong}{md(found.service_text)}{strong}]")
    if found.remedy:
        st.caption(f":orange[:material/warning: {sentence(found.remedy)}]")
        navigation.button("Spending", "spending", icon=":material/payments:", key="to_spending")
        return
    for budget in budgets.budgets_of(budgets.TRAINING):
        color = "orange" if (found.high_usd or 0.0) > (budget.left_usd or 0.0) else "gray"
        st.caption(f":{color}[:material/savings: {md(budget.left)}]")
