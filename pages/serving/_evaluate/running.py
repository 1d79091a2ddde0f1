"""An evaluation that has not ended: its progress, how far each model is, and what it was asked to do."""

from __future__ import annotations

import streamlit as st

from core.services.platform import tasks
from core.services.platform.tasks import TaskRecord
from core.services.serving import evaluating
from core.services.serving.evaluating import EVALUATION_METRICS, SUITES, EvaluationRecord, judging
from pages.ui import components
from pages.ui.format import md, plural
from pages.ui.tasks import actions, progress

COUNT_S = 3.0


def show(evaluation: EvaluationRecord, task: TaskRecord) -> None:
    """The screen while the task runs, waits or is paused."""
    progress.follow(task.id, cancel=False)
    with st.container(horizontal=True, gap="small", key="evaluation_actions"):
        actions.buttons(
            tasks.actions(task), lambda action: tasks.request(task.id, action), key=task.id, kind=task.kind,
            asked=task.command,
        )  # fmt: skip
    components.section_gap()
    components.heading("Answers so far", "Each is stored as soon as it is complete")
    _counts(evaluation)
    components.section_gap()
    components.heading("What is asked")
    with st.container(border=True, gap="xsmall", key="evaluation_asked"):
        _asked(evaluation)


@st.fragment(run_every=COUNT_S)
def _counts(evaluation: EvaluationRecord) -> None:
    counted = evaluating.answer_counts(evaluation.id)
    judge = judging.contestant(evaluation)
    with st.container(border=True, gap="small", key="evaluation_counts"):
        for model in components.divided(evaluation.models):
            against = (
                f" {components.badge_md('Compared with', 'gray')}" if model.id == evaluation.settings.against else ""
            )
            with components.spread(gap="small"):
                st.markdown(f"**{md(model.title)}**{against}", width="content")
                st.markdown(f":small[{plural(counted.get(model.id, 0), 'answer')}]", width="content")
        if judge is not None:
            st.divider()
            with components.spread(gap="small"):
                st.markdown(f"**{md(judge.title)}** {components.badge_md('Judge', 'gray')}", width="content")
                st.markdown(
                    f":small[{plural(counted.get(evaluating.questions.JUDGES, 0), 'judgment')}]", width="content"
                )


def _asked(evaluation: EvaluationRecord) -> None:
    """What was chosen; what was not is left out."""
    settings = evaluation.settings
    metrics = [EVALUATION_METRICS.get(one).title for one in evaluation.metrics if one in EVALUATION_METRICS]
    _fact("Metrics", ", ".join([*metrics, *(str(one.get("name", "")) for one in settings.custom)]))
    _fact("Guard suites", ", ".join(SUITES.get(suite).title for suite in settings.suites if suite in SUITES))
    _fact("Examples", f"the first {settings.limit:,}" if settings.limit else "")
    _fact("Temperature", f"{settings.temperature:g}" if settings.temperature else "")
    _fact("Runs of the model compared with", f"{settings.repeats}" if settings.repeats > 1 else "")
    _fact("Longest answer", plural(settings.max_tokens, "token") if settings.max_tokens else "")


def _fact(name: str, value: str) -> None:
    if value:
        st.markdown(f":small[:gray[{name}]]  \n{md(value)}")
