"""A mix while it runs, its dataset, and the way back to the choices."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.data.results import DatasetResult
from core.services.platform.tasks import TaskRecord
from pages.data._shared.created import created
from pages.ui import navigation
from pages.ui.tasks.progress import ended_badly, follow

_OPENED = "mix_opened"  # the task whose dataset was opened as it ended


def follow_mix(task_id: str) -> None:
    """Follow the mix and open its dataset at the end; the browser's Back returns to the mix, not to its form."""
    task = follow(task_id)
    if task.state == "succeeded":
        result = DatasetResult.of(task)
        if st.session_state.get(_OPENED) != task_id:
            st.session_state[_OPENED] = task_id
            navigation.go("datasets", {"id": result.dataset_id})
        created(result, "mix")
        if st.button("Another mix like this", icon=":material/blender:", key="mix_again"):
            _choose_again(task)
    elif ended_badly(task, "mix") and st.button("Change settings", icon=":material/arrow_back:", key="mix_again"):
        st.session_state["mix_name"] = str(task.payload["name"])
        _choose_again(task)


def _choose_again(task: TaskRecord) -> None:
    """Put the choices of a mix back into the widgets, without datasets that were deleted since then."""
    payload = task.payload
    chosen: dict[str, float] = {}
    for part in payload["parts"]:
        with suppress(NotFound):
            dataset = datasets.get_dataset(datasets.get_version(part["version_id"]).dataset_id)
            chosen[dataset.id] = float(part["weight"])
    st.session_state["datasets"] = list(chosen)
    st.session_state["size"] = "weights" if payload["total"] is None else "total"
    st.session_state.update({f"weight_{dataset_id}": weight for dataset_id, weight in chosen.items()})
    if payload["total"] is not None:
        st.session_state["total"] = int(payload["total"])
    st.session_state["seed"] = int(payload["seed"])
    st.session_state["distinct"] = bool(payload.get("distinct"))
    st.session_state["mix_description"] = str(payload["description"])
    st.query_params.clear()  # the widgets write their values into it
    st.rerun()
