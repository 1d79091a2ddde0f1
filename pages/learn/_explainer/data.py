"""Explainer, second chapter: the data format, quality against quantity, do's and don'ts."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.data import datasets
from core.services.learn.explain import dataset, example
from core.services.learn.explain.tokens import TokenView
from pages.ui import charts
from pages.ui.format import md, number, plural

SHOWN_TOKENS = 200
SAMPLE = "The sample dataset"


def data_format() -> None:
    """Paste an example, see the studio's findings, and which tokens count toward the loss."""
    st.markdown(
        "A labeled example is a conversation. **User** messages are *inputs*: what you want to handle. **Assistant** "
        "messages are *outputs*: how you want to respond. A **system** message contains *context and instructions for "
        "the model*. The model reads all messages, but is trained on the outputs only."
    )
    work, result = st.columns(2, gap="medium")
    with work:
        text = st.text_area("One example, in any supported format", example.SAMPLE, height=280, key="pasted")
        st.caption(
            "Also supported: ShareGPT `conversations`, `instruction/input/output`, `prompt/completion`, "
            "`question/answer` and `system/user/assistant`."
        )
    checked = example.check_pasted(text)
    with result:
        if checked.example is None:
            st.markdown(":red-badge[:material/close: Not accepted]")
        else:
            st.markdown(":green-badge[:material/check: Accepted]")
        for found in checked.findings:
            place = f"**Line {found.line}.** " if found.line else ""
            st.markdown(f"{place}{md(found.message)} :gray[{md(found.remedy)}]")
            st.caption(f"`{found.code}`")
        if checked.tokens:
            token_view(checked.tokens)


def token_view(tokens: TokenView) -> None:
    """The tokens as chips: gray ones are context, blue ones are trained on."""
    total = len(tokens.tokens)
    unit = "tokens" if tokens.exact else "words"
    st.markdown(f"**{tokens.trained} of {total} {unit} count toward the loss**: the blue ones.")
    chips = [
        f":{'blue' if token.trained else 'gray'}-badge[{_chip(token.text)}]" for token in tokens.tokens[:SHOWN_TOKENS]
    ]
    st.markdown(" ".join(chips))
    if total > SHOWN_TOKENS:
        st.caption(f"The first {SHOWN_TOKENS} are shown.")
    if not tokens.exact:
        st.caption(
            "The starter model is not built yet, so words are shown instead of its tokens. The first job or demo "
            "builds it."
        )


def _chip(text: str) -> str:
    """A token's text with visible spaces, escaped for a badge."""
    visible = text.replace("\n", "↵").replace("\t", "⇥").replace(" ", "·")
    return md(visible) or "·"


def quality() -> None:
    """The effect of wrong labels, with the epochs that *auto* chooses for a dataset of this size."""
    st.markdown(
        "High-quality labeled examples lead to better results. A model cannot recognize a mistake: **each wrong "
        "output is trained on as often as each correct one**, once per epoch. More examples help if they show "
        "something new; copies only add weight."
    )
    work, figure = st.columns([4, 7], gap="medium")
    with work:
        count = st.select_slider("Examples", [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000], 200, key="quality_count")
        wrong = st.slider("Share of wrong outputs", 0, 30, 5, format="%d%%", key="quality_wrong")
        lessons = dataset.lessons(count, wrong / 100)
        st.caption(
            f"{lessons.epochs} epochs, {number(lessons.steps)} steps with LoRA on the starter ({md(lessons.source)})."
        )
        _advice(count, lessons)
    with figure, st.container(border=True):
        _lesson_chart(wrong / 100)
        st.markdown(
            f"**{number(lessons.wrong_lessons)} of {number(lessons.lessons)} examples seen in training** are wrong: "
            f"{plural(lessons.wrong, 'example')}, each seen {lessons.epochs} times."
        )


def _advice(count: int, lessons: dataset.Lessons) -> None:
    if count < dataset.MINIMUM_COUNT:
        st.markdown(f":red-badge[:material/close: fewer than {dataset.MINIMUM_COUNT}: not accepted]")
    elif count < dataset.RECOMMENDED_COUNT:
        st.markdown(f":orange-badge[:material/warning: fewer than {dataset.RECOMMENDED_COUNT}: warning]")
    else:
        st.markdown(":green-badge[:material/check: enough to start]")
    if lessons.wrong:
        st.markdown(
            f"Fixing {plural(lessons.wrong, 'example')} is usually faster than writing {number(lessons.examples)} more."
        )


def _lesson_chart(wrong_share: float) -> None:
    counts = [20, 50, 100, 200, 500, 1_000, 2_000, 5_000]
    rows = [dataset.lessons(count, wrong_share) for count in counts]
    labels = [f"{count:,}" for count in counts]
    fig = go.Figure()
    fig.add_bar(
        name="Correct", x=labels, y=[row.lessons - row.wrong_lessons for row in rows], marker_color=charts.TUNED
    )
    fig.add_bar(name="Wrong", x=labels, y=[row.wrong_lessons for row in rows], marker_color=charts.BAD)
    fig.update_layout(barmode="stack")
    fig.update_xaxes(type="category")
    alt = f"Examples seen in training by size of the dataset, with {wrong_share:.0%} wrong outputs"
    charts.chart(
        fig, key="lessons", alt=alt, height=280, x="examples in the dataset", y="examples seen (examples × epochs)"
    )


def habits() -> None:
    """Do's and don'ts, measured on a dataset that the reader picks."""
    st.markdown(
        "Each example should demonstrate desired behavior, and consistency in labeling improves model performance. "
        "Check a dataset against both."
    )
    sets = {item.id: item.name for item in datasets.choices()}
    picked = st.selectbox("Dataset", ["", *sets], format_func=lambda key: sets.get(key, SAMPLE), key="habit_set")
    report = dataset.habits_of(picked or None)
    kept = sum(habit.kept for habit in report)
    st.caption(f"{kept} of {len(report)} recommendations followed, measured on the dataset.")
    with st.grid(2, min_column_width=280):
        for number_, habit in enumerate(report):
            with st.container(border=True, height="stretch", gap="xxsmall", key=f"habit_{number_}"):
                color, icon = ("green", "check_circle") if habit.kept else ("orange", "warning")
                st.markdown(f":{color}[:material/{icon}:] **{habit.do}**")
                st.markdown(f":gray[:material/close: {habit.dont}]")
                st.caption(habit.figure)
