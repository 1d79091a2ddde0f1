"""One evaluation: the verdict first, in plain words, then the figures, then the worst answers."""

from __future__ import annotations

import streamlit as st

from core.services.platform import tasks
from core.services.serving.evaluating import EvaluationRecord, Summary, VerdictRecord, verdicts
from pages.serving._evaluate import figures, judge, running, worst
from pages.serving._evaluate.rows import MARKS, part
from pages.ui import components, navigation
from pages.ui.format import ago, md, plural, sentence
from pages.ui.tasks import progress

_ICONS = {True: ":green[:material/check_circle:]", False: ":red[:material/cancel:]", None: ":gray[:material/remove:]"}


def show(evaluation: EvaluationRecord) -> None:
    """The screen of one evaluation, while it runs and afterwards."""
    where = f"{plural(len(evaluation.models), 'model')} · {md(evaluation.dataset_name)}, {part(evaluation.split)}"
    components.page_header(md(evaluation.name), f"{where} · {ago(evaluation.created_at)}", "Use / Evaluate")
    task = tasks.get_task(evaluation.task_id)
    if evaluation.summary is None:
        if not task.is_terminal:
            running.show(evaluation, task)
        elif not progress.ended_badly(task, evaluation.id):
            st.caption("This evaluation has no result.")
    else:
        _result(evaluation, evaluation.summary, stopped_early=task.reason == "stopped_early")
    st.divider()
    navigation.button("All evaluations", "evaluate", icon=":material/arrow_back:", type="tertiary", key="back")


def _result(evaluation: EvaluationRecord, summary: Summary, *, stopped_early: bool) -> None:
    for verdict in verdicts.of_evaluation(evaluation.id):
        _verdict(evaluation, verdict)
    if stopped_early:
        st.caption(":material/info: It was stopped early: the figures are of the answers so far.")
    figures.show(evaluation, summary)
    judge.show(evaluation)
    worst.show(evaluation, summary)


def _verdict(evaluation: EvaluationRecord, verdict: VerdictRecord) -> None:
    color, icon = MARKS[verdict.decision]
    candidate, parent = (md(evaluation.title_of(one)) for one in (verdict.candidate_id, verdict.parent_id))
    with st.container(border=True, gap="xsmall", key=f"verdict_{verdict.candidate_id}"):
        st.markdown(f"## :{color}[:material/{icon}:] {verdict.title}")
        st.markdown(_IN_WORDS[verdict.decision].format(candidate=f"**{candidate}**", parent=f"**{parent}**"))
        with st.container(gap="xxsmall", key=f"reasons_{verdict.candidate_id}"):
            for reason in verdict.reasons:
                st.markdown(f":small[{_ICONS[reason.ok]} {sentence(reason.text)}]")
        if verdict.override:
            by = verdict.override.get("by") or "A user"
            st.caption(f":material/edit_note: {md(by)} deployed it all the same: {md(verdict.override['reason'])}")


_IN_WORDS = {
    "ship": "{candidate} is better than {parent} at the task, and nothing else broke.",
    "dont_ship": "{candidate} must not replace {parent}: something got worse.",
    "no_difference": "{candidate} and {parent} differ by no more than chance.",
}
