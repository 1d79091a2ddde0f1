"""The offer to hold examples out of a dataset that has none for validation."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets
from core.services.data.datasets import edits
from core.services.data.datasets.operations import Split, make
from pages.ui.errors import boundary
from pages.ui.format import number
from pages.ui.tasks.progress import ended_badly, follow

SHARE = 0.1
FEWEST = 20  # examples from which two can be held out and the rest be trained on
_USUAL = 200  # below, a dataset gets no validation examples by itself
_SEED = 42
_TASK = "holding_out_{}"


def offer(dataset: datasets.DatasetRecord) -> None:
    """A button that creates a version with validation examples; nothing where there are some, or too few examples."""
    if _under_way(dataset) or dataset.version.validation_examples or dataset.examples < FEWEST:
        return
    count = max(1, round(dataset.examples * SHARE))
    with st.container(border=True, gap="xsmall", key="hold_out"):
        st.markdown("**No validation examples**")
        fewer = " Below 200 examples, training on all of them is usual." if dataset.examples < _USUAL else ""
        st.caption(
            "Held-out examples show whether the model learned or memorized: the job gets a validation curve, and can "
            f"stop early.{fewer}"
        )
        if st.button(f"Hold out {number(count)} for validation", icon=":material/call_split:", key="hold_out_now"):
            with boundary():
                _hold_out(dataset)


def _hold_out(dataset: datasets.DatasetRecord) -> None:
    operation = make(Split, kind="near", share=SHARE, seed=_SEED)
    with st.spinner("Creating the new version…"):
        applied = edits.apply(
            dataset.id, operation, base_version_id=dataset.version.id, why="Validation examples for a training job"
        )
    if applied.task is not None:
        st.session_state[_TASK.format(dataset.id)] = applied.task.id
    st.rerun()


def _under_way(dataset: datasets.DatasetRecord) -> bool:
    """A large dataset is split in the background; the page shows the new version when it is there."""
    slot = _TASK.format(dataset.id)
    task_id = st.session_state.get(slot)
    if not task_id:
        return False
    task = follow(task_id)
    if not task.is_terminal:
        return True
    del st.session_state[slot]
    return ended_badly(task, "hold_out")
