"""The import of an upload: its progress, then the dataset."""

from __future__ import annotations

import streamlit as st

from core.services.data.results import DatasetResult
from pages.data._shared.created import created
from pages.ui import components
from pages.ui.tasks.progress import ended_badly, follow


def follow_import(task_id: str) -> None:
    """The import live, then the way on."""
    components.heading("Making the dataset")
    task = follow(task_id)
    if not task.is_terminal:
        st.caption("You can leave this page; the work goes on, and Background jobs shows it.")
    elif not ended_badly(task, "import"):
        created(DatasetResult.of(task), "import")
    if task.is_terminal and st.button("Upload another file", type="tertiary", key="another"):
        st.query_params.clear()
        st.rerun()
