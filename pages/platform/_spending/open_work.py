"""Reservations that are open now, and the work that was started beyond a budget."""

from __future__ import annotations

import streamlit as st

from core.services.platform import spending
from core.services.platform.spending import ReservationRecord
from pages.ui import components, person
from pages.ui.format import ago, md, range_usd, usd

_MOST = 50


def show() -> None:
    """Two lists; each is left out while it is empty."""
    if reserved := spending.open_now():
        components.section_gap()
        components.heading("Reserved now", "until the work ends")
        with st.container(border=True, gap="small", key="reserved_now"):
            for work in components.divided(reserved[:_MOST]):
                _row(work, f"{range_usd(work.low_usd, work.amount_usd)} reserved")
    if beyond := spending.overrides(_MOST):
        components.section_gap()
        components.heading("Started beyond a budget", "with a reason")
        with st.container(border=True, gap="small", key="overrides"):
            for work in components.divided(beyond):
                ended = work.spent_usd is not None
                amount = f"{usd(work.spent_usd)} billed" if ended else f"{usd(work.amount_usd)} reserved"
                _row(work, amount, work.override_reason)


def _row(work: ReservationRecord, amount: str, reason: str = "") -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{md(work.title or work.what_id)}**")
            by = person.shown(work.person)
            at = f" at {md(work.provider)}" if work.provider else ""
            st.caption(f"{md(spending.kind_title(work.kind))}{at} · by {by} · {ago(work.created_at)}")
            if reason:
                st.caption(f":material/format_quote: {md(reason)}")
        st.markdown(md(amount), width="content")
