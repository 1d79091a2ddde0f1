"""Base against tuned on all examples of the dataset."""

from __future__ import annotations

import streamlit as st

from core.services.serving.chat import ChatModel
from core.services.training import models
from pages.ui import components
from pages.ui.answers import exact_match
from pages.ui.errors import boundary
from pages.ui.format import sentence

POLL_S = 1.5


def on_all_examples(model: ChatModel) -> None:
    """Exact matches of base and tuned on all examples of the dataset: run once and stored with the model."""
    components.section_gap()
    test = models.test_result(model.model_id)
    task = models.running_test(model.model_id)
    if task is not None:
        components.heading("On all examples")
        with st.container(border=True):
            st.fragment(run_every=POLL_S)(_testing)(model.model_id)
        return
    if test is None:
        components.heading("On all examples")
        if models.get_model(model.model_id).dataset_deleted:
            st.caption("The dataset was deleted with its questions. Enter a question above instead.")
            return
        with components.spread(border=True):
            st.caption("Ask both models every question in the dataset and count the exact answers.", width="stretch")
            if st.button("Test on all examples", icon=":material/fact_check:", key="test"):
                models.test(model.model_id)
                st.rerun()
        return
    exact_match.figures(test)


def _testing(model_id: str) -> None:
    with st.container(key="live_test"), boundary():
        task = models.running_test(model_id)
        if task is None:
            st.rerun()
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(task.message or 'Asking both models')}]")
