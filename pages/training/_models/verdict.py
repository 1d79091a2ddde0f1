"""The newest verdict on a model: whether it may replace the one that it was compared with."""

from __future__ import annotations

import streamlit as st

from core.services.serving import agents
from core.services.serving.evaluating import verdicts
from core.services.training.models import ModelRecord
from pages.serving._evaluate.rows import MARKS
from pages.ui import components, navigation
from pages.ui.format import md, sentence


def section(model: ModelRecord) -> None:
    """One row with the first reason and the way to the evaluation; nothing without a verdict."""
    verdict = verdicts.newest(model.id)
    if verdict is None:
        return
    color, icon = MARKS[verdict.decision]
    with st.container(border=True, gap="xxsmall", key="model_verdict"):
        with components.spread():
            against = md(agents.model_title(verdict.parent_id), 60)
            st.markdown(f":{color}[:material/{icon}: **{md(verdict.title)}**] against {against}", width="content")
            query = {"id": verdict.evaluation_id}
            navigation.button("Read the verdict", "evaluate", query, type="tertiary", key="open_verdict",
                              icon=":material/balance:")  # fmt: skip
        if verdict.reasons:
            st.caption(sentence(verdict.reasons[0].text))
