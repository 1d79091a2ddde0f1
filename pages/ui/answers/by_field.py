"""The answers to examples whose outputs are objects: tiles, a confusion matrix, and the examples field by field."""

from __future__ import annotations

import streamlit as st

from core.services.serving.evaluating import GradedField, GradedQuestion, PartReport
from pages.ui import components
from pages.ui.charts.evaluation import confusion_matrix
from pages.ui.components import Tile
from pages.ui.format import md, md_code, plural, short

PER_PAGE = 3
RIGHT, WRONG = ":green[:material/check:]", ":red[:material/close:]"
WHY_BASE = (
    "The base has not learned this task: it continues a text the way its pretraining taught it. The answers are shown "
    "as they are."
)


def part(report: PartReport, title: str, text: str, key: str) -> None:
    """One part of the test: its figures, the tuned model's confusion matrix, and its examples."""
    components.section_gap()
    components.heading(md(title), plural(len(report.questions), "example"))
    st.caption(text)
    _tiles(report)
    st.caption(_what_is_counted(report))
    matrix = report.tuned_matrix
    left, right = st.columns([5, 8], gap="medium") if matrix else (None, st.container())
    if matrix and left:
        with left, st.container(border=True, gap="xsmall"):
            st.markdown(f"**Tuned: {md(matrix.field)}**")
            rows = "; ".join(
                f"{label}: {counts[index]} of {sum(counts)} right"
                for index, (label, counts) in enumerate(zip(matrix.labels, matrix.counts, strict=True))
            )
            confusion_matrix(matrix, key=f"matrix_{key}", alt=f"Confusion matrix of {matrix.field}. {rows}.")
            st.caption("A row for each expected value. Right answers are on the diagonal.")
    with right:
        _examples(report, key)


def _what_is_counted(report: PartReport) -> str:
    """What the tiles are shares of."""
    answers = plural(len(report.questions), "answer")
    fields = [field.name for field in report.questions[0].fields] if report.questions else []
    if not (fields and report.figures):
        return f"Shares of the {answers}."
    named = md(" and ".join([", ".join(fields[:-1]), fields[-1]] if len(fields) > 1 else fields))
    return (
        f"Every answer should be a JSON object with {named}. Each tile is the share of the {answers} in which that "
        f"part is right; “{md(report.figures[-1].title)}” counts an answer only if every field is."
    )


def _tiles(report: PartReport) -> None:
    components.tiles(
        [
            Tile(
                md(figure.title),
                figure.tuned.text,
                f"{100 * (figure.tuned.value - figure.base.value):+.1f} pts",
                note=f"base {figure.base.text}",
                delta_color="normal" if figure.tuned.value != figure.base.value else "off",
                arrow="auto" if figure.tuned.value != figure.base.value else "off",
                help=f"{figure.tuned.right} of {figure.tuned.total} answers of the tuned model.",
            )
            for figure in report.figures
        ]
    )


def _examples(report: PartReport, key: str) -> None:
    """The examples in pages, by whether the tuned model's answer is right."""
    right = [question for question in report.questions if question.tuned_right]
    wrong = [question for question in report.questions if not question.tuned_right]
    groups = {"all": list(report.questions), "right": right, "wrong": wrong}
    titles = {name: f"{name.capitalize()} ({len(items)})" for name, items in groups.items() if items}
    with components.spread():
        shown = groups[components.switch("Examples", titles, key=f"show_{key}")]
        with_base = st.toggle(
            "Answers of the base", key=f"base_{key}", help="Hidden at first, because the base has not learned the task."
        )
    if with_base:
        st.caption(WHY_BASE)
    page_key = f"page_{key}"
    for number, question in enumerate(components.page_of(shown, PER_PAGE, page_key)):
        _example(question, with_base, f"{key}_{number}")
    components.pages(len(shown), PER_PAGE, page_key)


def _example(question: GradedQuestion, with_base: bool, key: str) -> None:
    """One example: the input, and for each field the expected and both answered values."""
    with st.container(border=True, gap="xsmall"):
        st.text(question.asked.question)
        rows = ["| | Expected | Base | Tuned |", "|---|---|---|---|"]
        rows += [_row(field) for field in question.fields]
        with st.container(key=f"fields_{key}"):
            st.markdown("\n".join(rows))
        if with_base:
            st.caption(f"Base: {md(short(question.asked.base, 300)) or '(an empty answer)'}")


def _row(field: GradedField) -> str:
    base, tuned = _value(field.base, field.base_right), _value(field.tuned, field.tuned_right)
    return f"| {md(field.name)} | {_cell(field.expected)} | {base} | {tuned} |"


def _value(value: str | None, right: bool) -> str:
    return f"{RIGHT if right else WRONG} {'none' if value is None else _cell(value)}"


def _cell(value: str) -> str:
    """JSON text as it is read in a table: a text without its quotes."""
    plain = value[1:-1] if value[:1] == '"' else value
    return md_code(short(plain, 60).replace("|", "¦"))
