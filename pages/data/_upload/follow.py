"""The import of an upload while it runs, then its dataset."""

from __future__ import annotations

import streamlit as st

from core.services.data.results import ConversionResult
from pages.data._shared.account import rows_of
from pages.data._shared.created import created
from pages.ui import components
from pages.ui.tasks.progress import ended_badly, follow


def follow_import(task_id: str) -> None:
    """Follow the import and show its dataset at the end."""
    components.heading("Creating the dataset")
    task = follow(task_id)
    if not task.is_terminal:
        st.caption("You can leave this page; the import continues and appears under Background jobs.")
    elif not ended_badly(task, "import"):
        result = ConversionResult.of(task)
        created(result, "import")
        rows_of(result)
    if task.state in ("failed", "cancelled") and st.button(
        "Change the choices", icon=":material/arrow_back:", key="change_choices"
    ):
        st.query_params.clear()
        st.query_params["source"] = task.payload["source_id"]
        st.rerun()
    if task.is_terminal and st.button("Upload another file", type="tertiary", key="another"):
        st.query_params.clear()
        st.rerun()
