"""The worst answers first; each opens with what every model answered, and can become an example."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from core.errors import NotFound, StudioError
from core.services.data import datasets
from core.services.serving import evaluating
from core.services.serving.evaluating import SUITES, AnsweredQuestion, EvaluationRecord, Summary
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.examples import example_view, word_diff
from pages.ui.format import md, percent, sentence, short

PER_PAGE: Final = 8
_DATASET: Final = "dataset"


def show(evaluation: EvaluationRecord, summary: Summary) -> None:
    """Cases of one model, the worst first."""
    components.section_gap()
    components.heading("Worst answers first", "Of equal ones, those that the other model answered better")
    titles = {one.model_id: evaluation.title_of(one.model_id) for one in summary.models}
    own = [model for model in titles if model != evaluation.settings.against] or list(titles)
    sources = {_DATASET: evaluation.dataset_name or "Dataset"}
    sources |= {suite: f"Guard: {SUITES.get(suite).title}" for suite in evaluation.settings.suites}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="worst_bar"):
        model = components.pick("Model", {one: titles[one] for one in own}, "worst_model", width=300)
        source = components.pick("Questions", sources, "worst_source", width=260) if len(sources) > 1 else _DATASET
    suite = "" if source == _DATASET else source
    key = f"worst_{model}_{source}"
    try:
        first = components.first_of_page(_count(evaluation, model, suite), PER_PAGE, key)
        found, total = evaluating.cases(evaluation, model, suite=suite, offset=first, limit=PER_PAGE)
    except NotFound:
        st.caption("The dataset was deleted with its examples.")
        return
    with st.container(border=True, gap="xsmall", key="worst_cases"):
        for case in components.divided(found):
            _row(evaluation, case, model, titles)
    components.pages(total, PER_PAGE, key)


def _count(evaluation: EvaluationRecord, model: str, suite: str) -> int:
    return evaluating.cases(evaluation, model, suite=suite, limit=0)[1]


def _row(evaluation: EvaluationRecord, case: AnsweredQuestion, model: str, titles: dict[str, str]) -> None:
    answer = case.answers[model]
    with components.spread(gap="small", key=f"case_{case.key}"):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{md(short(case.question.text, 140))}**")
            st.caption(md(short(answer.error or answer.answer or "(empty)", 160)))
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            st.markdown(f":{'green' if case.value >= 1 else 'red'}[{_value(evaluation, case)}]", width="content")
            if st.button("Open", type="tertiary", key=f"open_case_{case.key}", icon=":material/open_in_full:"):
                st.session_state.pop("case_output", None)
                open_case(evaluation, case, titles)


def _value(evaluation: EvaluationRecord, case: AnsweredQuestion) -> str:
    if case.question.suite:
        return "Passed" if case.value >= 1 else "Failed"
    assert evaluation.summary is not None
    metric = evaluating.EVALUATION_METRICS.get(evaluation.summary.main)
    return percent(case.value) if metric.unit == "share" else f"{case.value:.2f}"


@dialog("One question", width="large", icon=":material/balance:")
def open_case(evaluation: EvaluationRecord, case: AnsweredQuestion, titles: dict[str, str]) -> None:
    """The dialog of one question: what was asked, and every model's answer."""
    example_view.declared(case.question.tools, key=f"case_{case.key}")
    for message in case.question.messages:
        earlier = ("EARLIER OUTPUT", "gray") if message.role == "assistant" else None
        example_view.one(message, label=earlier)
    if case.question.expected:
        st.caption("EXPECTED OUTPUT")
        st.text(case.question.expected)
    for model_id, answer in case.answers.items():
        with st.container(border=True, gap="xsmall", key=f"answer_{model_id}"):
            gray = model_id == evaluation.settings.against
            st.badge(md(titles.get(model_id, model_id)), color="gray" if gray else "blue")
            if answer.error:
                st.caption(f":material/error: {md(answer.error)}")
            elif case.question.expected:
                marked = word_diff.marked(answer.answer, case.question.expected) or "(empty)"  # escaped
                st.html(f'<div class="shown diff-old" dir="auto">{marked}</div>')
            else:
                st.text(answer.answer or "(empty)")
            st.caption(f"{answer.tokens:,} tokens · {answer.seconds:.2f} s")
    _make_example(evaluation, case)


def _make_example(evaluation: EvaluationRecord, case: AnsweredQuestion) -> None:
    """A right answer to this question becomes a labeled example of a dataset."""
    choices = {choice.id: choice.name for choice in datasets.choices()}
    if not choices:
        return
    st.markdown("**Make it a labeled example**")
    output = st.text_area("Output", value=case.question.expected, key="case_output", height=90)
    if not case.question.suite and evaluation.split == "test":
        st.caption(
            ":material/info: A model that learns this example has seen a question of the test split. Prefer a "
            "similar question, or add it to another dataset."
        )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        dataset_id = components.pick("Dataset", choices, "case_dataset", evaluation.dataset_id, width=280)
        pressed = st.button("Add as example", key="add_case", icon=":material/add:", disabled=not output.strip())
    if not pressed:
        return
    messages = [replace(message, weight=None).to_dict() for message in case.question.messages]
    try:
        answer = evaluating.questions.output_of(case.question, output.strip())
        datasets.write_example(dataset_id, [*messages, answer.to_dict()], tools=case.question.tools)
    except StudioError as error:
        st.error(f"{sentence(error.message)} {sentence(error.remedy)}", icon=":material/error:")
        return
    st.success(
        f"Saved with “{md(choices[dataset_id])}”. Its next version contains it: see *Examples* of the dataset.",
        icon=":material/check_circle:",
    )
