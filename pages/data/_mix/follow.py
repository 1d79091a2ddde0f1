"""A mix while it is made, and the way back from its dataset to the choices."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.data.results import DatasetResult
from core.services.platform import tasks
from core.services.platform.tasks import TaskRecord
from pages.ui import navigation
from pages.ui.tasks.progress import ended_badly, follow

_LED_ON = "mix_led_on"  # the mix whose dataset was opened: to come here again is to come back from it


def follow_mix(task_id: str) -> None:
    """The mix while it is made, and the way to it when it is done; Back from there is back to the choice."""
    task = follow(task_id)
    if task.state == "succeeded":
        if st.session_state.get(_LED_ON) == task_id:
            _choose_again(task)
        st.session_state[_LED_ON] = task_id
        st.switch_page(navigation.page_file("datasets"), query_params={"id": DatasetResult.of(task).dataset_id})
    if ended_badly(task, "mix") and st.button("Choose again", icon=":material/arrow_back:", key="mix_again"):
        st.session_state["mix_name"] = str(task.payload["name"])
        _choose_again(task)


def come_back() -> None:
    """The browser's Back from the made dataset: Streamlit left its id in this screen's address, in the task's place."""
    task_id = st.session_state.get(_LED_ON)
    if task_id and "id" in st.query_params:
        with suppress(NotFound):
            _choose_again(tasks.get_task(task_id))


def _choose_again(task: TaskRecord) -> None:
    """The choice that made a mix, in its widgets again; a dataset that was deleted since is left out."""
    wanted = task.payload
    chosen: dict[str, float] = {}
    for part in wanted["parts"]:
        with suppress(NotFound):
            dataset = datasets.get_dataset(datasets.get_version(part["version_id"]).dataset_id)
            chosen[dataset.id] = float(part["weight"])
    st.session_state["datasets"] = list(chosen)
    st.session_state["size"] = "weights" if wanted["total"] is None else "total"
    st.session_state.update({f"weight_{dataset_id}": weight for dataset_id, weight in chosen.items()})
    if wanted["total"] is not None:
        st.session_state["total"] = int(wanted["total"])
    st.session_state["seed"] = int(wanted["seed"])
    st.session_state["mix_description"] = str(wanted["description"])
    st.query_params.clear()  # the widgets write themselves into it
    st.rerun()
