"""The prices of hosted training: those that people entered, and those that services publish."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from core.errors import StudioError
from core.services.platform import connections
from core.services.training import cost
from core.services.training.cost import EnteredPrice
from pages.ui import components, person
from pages.ui.dialogs import dialog
from pages.ui.errors import field_error
from pages.ui.format import ago, md, md_code, usd


def panel() -> None:
    """Entered prices with their actions, then the published table."""
    entered = cost.entered()
    with components.spread():
        st.header("Prices of hosted training", anchor=False, width="content")
        if st.button("Enter a price", icon=":material/add:", type="tertiary", key="pick_enter_price"):
            edit(None)
    st.caption(
        "US dollars for a million training tokens, times epochs. A price that you enter comes first, then what the "
        "service says at the moment, then its published price. Prices of answers are in Settings, at their connection."
    )
    with st.container(border=True, gap="xsmall", key="entered_prices"):
        if not entered:
            st.caption("No price has been entered. What services publish is used, with its date.")
        for price in components.divided(entered):
            _row(price)
    with st.expander("Published prices", type="compact", key="published_prices"):
        rows = cost.published_prices()
        table = {
            "Service": [row.service_title for row in rows],
            "Base model": [row.base_model for row in rows],
            "Per million tokens": [usd(row.usd) for row in rows],
            "As of": [row.as_of for row in rows],
            "Source": [row.source for row in rows],
        }
        st.dataframe(pd.DataFrame(table), hide_index=True, key="published_table")


def _row(price: EnteredPrice) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None, width="stretch", key=f"price_text_{price.id}"):
            base = "every other base model" if price.base_model == cost.ANY_BASE else md_code(price.base_model)
            st.markdown(f"**{md(usd(price.usd))}** for {base}")
            entered = f"by {person.shown(price.person)}, {ago(price.changed_at)}"
            st.caption(f"{md(price.connection)} · as of {md(price.as_of)} · {entered}")
        if st.button("Edit", type="tertiary", key=f"edit_price_{price.id}"):
            edit(price)
        if st.button("Delete", type="tertiary", key=f"delete_price_{price.id}"):
            cost.delete_price(price.id)
            st.rerun()


@dialog("Price of training", icon=":material/payments:")
def edit(price: EnteredPrice | None) -> None:
    """Connection, base model, price and its day."""
    names = {record.id: record.name for record in connections.list_connections() if not record.builtin}
    if not names:
        st.markdown("A price belongs to a connection. Add the connection of the hosted service under *Settings* first.")
        return
    chosen = components.pick(
        "Connection", names, "price_connection", price.connection_id if price else None, disabled=price is not None
    )
    base = st.text_input(
        "Base model",
        price.base_model if price else "",
        key="price_base",
        placeholder="Its id at the service, or * for every other one",
        disabled=price is not None,
    )
    amount = st.number_input(
        "US dollars for a million training tokens", 0.0, value=price.usd if price else None, format="%.4f",
        step=0.5, key="price_usd",
    )  # fmt: skip
    day = st.date_input("As of", date.fromisoformat(price.as_of) if price else "today", key="price_day")
    slot = st.container()
    if st.button("Save", type="primary", key="price_save", disabled=amount is None):
        try:
            cost.save_price(chosen, base, float(amount or 0.0), day.isoformat(), person.name())
        except StudioError as error:
            with slot:
                field_error(error)
            return
        st.rerun()
