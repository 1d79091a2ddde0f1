"""Exact answers on the training and the held-out examples: tiles, bars, and sample questions with both answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.services.serving import chat
from core.services.serving.evaluating import PartReport
from pages.ui import components
from pages.ui.charts import chart, runs as run_charts
from pages.ui.format import md, plural, short

_TITLES: Final = {"train": "Training examples", "validation": "Held-out examples"}


def figures(report: Sequence[PartReport], key: str) -> None:
    """Tiles and bars of the parts that have a figure."""
    shown = [(_TITLES.get(part.part, part.part), part.figures[-1]) for part in report if part.figures]
    if not shown:
        return
    components.heading(f"On {plural(sum(one.tuned.total for _, one in shown), 'example')}", "Word-for-word matches")
    with st.grid(2, min_column_width=200):
        for name, figure in shown:
            base, tuned = figure.base.value, figure.tuned.value
            st.metric(
                md(name),
                figure.tuned.text,
                f"{100 * (tuned - base):+.1f} pts",
                delta_color="normal" if tuned != base else "off",
                delta_arrow="auto" if tuned != base else "off",
                delta_description=f"base {figure.base.text}",
                border=True,
                height="stretch",
                help=f"Share of {plural(figure.tuned.total, 'question')} answered exactly as expected.",
            )
    with st.container(border=True):
        fig = run_charts.match_figure(
            [name for name, _ in shown], [one.base.value for _, one in shown], [one.tuned.value for _, one in shown]
        )
        chart(
            fig,
            key=f"{key}_chart",
            height=220,
            alt="; ".join(f"{name}: base {one.base.text}, tuned {one.tuned.text}" for name, one in shown),
        )
    if any(part.part == "validation" for part in report):
        st.caption("Held-out examples were not used for training.")


def samples(report: Sequence[PartReport], most: int = 3) -> None:
    """The first questions with both answers, side by side."""
    asked = [question.asked for part in report for question in part.questions]
    for number, sample in enumerate(asked[:most]):
        with st.container(border=True, gap="small", key=f"sample_{number}"):
            st.markdown(f"**{md(sample.question)}**")
            st.caption(f"Expected: {md(short(sample.expected, 200))}")
            left, right = st.columns(2)
            for place, name, answer in ((left, "Base", sample.base), (right, "Tuned", sample.tuned)):
                with place, st.container(gap="xsmall"):
                    st.badge(name, color="blue" if name == "Tuned" else "gray")
                    st.text(answer)
                    right_answer = chat.matches(answer, sample.expected)
                    st.markdown(
                        ":green[:material/check: Matches]" if right_answer else ":red[:material/close: Does not match]"
                    )
