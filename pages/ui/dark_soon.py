"""The line under a model that its provider switches off."""

from __future__ import annotations

import streamlit as st

from core.services.serving import shutdowns
from pages.ui import navigation
from pages.ui.format import md, plural


def mark(model_id: str, key: str) -> None:
    """Draw it, with a link to the calendar; nothing for a model without a date.

    Args:
        model_id: of a model that is used here: behind a connection, or tuned at a provider.
    """
    record = shutdowns.of_model(model_id)
    if record is None:
        return
    when = "is off" if record.is_off else f"goes dark in {plural(record.days_left, 'day')}"
    with st.container(key=f"dark_soon_{key}"):
        st.page_link(
            navigation.page_file("shutdowns"),
            label=f":orange[{md(record.model)} {when} ({md(record.shutdown_on)})]",
            icon=":material/event_busy:",
        )
