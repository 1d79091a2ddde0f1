"""Base against tuned on all examples of the dataset."""

from __future__ import annotations

import streamlit as st

from core.services.serving.chat import ChatModel
from core.services.training import models
from pages.ui import components, navigation
from pages.ui.answers import exact_match
from pages.ui.errors import boundary
from pages.ui.format import md, sentence

POLL_S = 1.5


def on_all_examples(model: ChatModel) -> None:
    """Exact matches of a tuned model and its base on all examples of its dataset: run once and stored with it."""
    components.section_gap()
    title = f"{md(model.title, 60)} and its base on all examples"
    test = models.test_result(model.model_id)
    if models.running_test(model.model_id) is not None:
        components.heading(title)
        with st.container(border=True):
            st.fragment(run_every=POLL_S)(_testing)(model.model_id)
        return
    if test is not None:
        with components.spread():
            st.caption(title, width="content")
            _evaluate(model)
        exact_match.figures(test, key=f"test_{model.id}")
        return
    components.heading(title)
    if models.get_model(model.model_id).dataset_deleted:
        st.caption("The dataset was deleted with its examples. Type an input above instead.")
        return
    with components.spread(border=True):
        st.caption("Ask both models every input of the dataset and count the exact answers.", width="stretch")
        _evaluate(model)
        if st.button("Test on all examples", icon=":material/fact_check:", key=f"test_{model.id}"):
            models.test(model.model_id)
            st.rerun()


def _evaluate(model: ChatModel) -> None:
    """To the form of an evaluation against the base, which ends in a verdict."""
    navigation.button(
        "Evaluate", "evaluate", {"new": "1", "model": model.id}, icon=":material/balance:", type="tertiary",
        key=f"evaluate_{model.id}",
    )  # fmt: skip


def _testing(model_id: str) -> None:
    with st.container(key=f"live_test_{model_id}"), boundary():
        task = models.running_test(model_id)
        if task is None:
            st.rerun()
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(task.message or 'Asking both models')}]")
