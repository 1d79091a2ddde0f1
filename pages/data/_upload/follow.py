"""The import of an upload while it runs, then its dataset."""

from __future__ import annotations

import streamlit as st

from core.services.data.results import ConversionResult
from core.services.platform import tasks
from pages.data._shared.account import rows_of
from pages.data._shared.created import created
from pages.ui import components
from pages.ui.tasks.progress import ended_badly, follow


def note_import(source_id: str, task_id: str) -> None:
    """Remember, in this window, that a file became an import."""
    st.session_state[f"import_of_{source_id}"] = task_id


def import_of(source_id: str) -> str | None:
    """The import of a file, for the browser's Back after the start; None once it failed, so that it can be changed."""
    task_id: str | None = st.session_state.get(f"import_of_{source_id}")
    return task_id if task_id and tasks.get_task(task_id).state not in ("failed", "cancelled") else None


def follow_import(task_id: str) -> None:
    """Follow the import and show its dataset at the end."""
    ended = tasks.get_task(task_id).state == "succeeded"
    components.heading("The dataset is created" if ended else "Creating the dataset")
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
        st.query_params.from_dict({"source": task.payload["source_id"]})
        st.rerun()
    if task.is_terminal and st.button("Upload another file", type="tertiary", key="another"):
        st.query_params.clear()
        st.rerun()
