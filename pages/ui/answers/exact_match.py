"""The result of an exact-match test: tiles, bars, and sample questions with both answers."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.serving import chat
from pages.ui import components
from pages.ui.charts import chart, runs as run_charts
from pages.ui.format import md, percent, plural, short


def figures(test: dict[str, Any], key: str = "test") -> None:
    """Tiles, bars and some answers of an exact-match test (its result as the worker stored it)."""
    counts = test["counts"]
    total = sum(counts.values())
    components.heading(f"On {plural(total, 'example')}", "Exact answers, word for word")
    groups = [
        (split, name) for split, name in (("train", "Trained on"), ("validation", "Held out")) if counts.get(split)
    ]
    with st.grid(2, min_column_width=200):
        for split, name in groups:
            base, tuned = test["base"][split], test["tuned"][split]
            st.metric(
                f"{name}: right answers",
                percent(tuned),
                f"{100 * (tuned - base):+.0f} pts",
                delta_color="normal" if tuned != base else "off",
                delta_arrow="auto" if tuned != base else "off",
                delta_description=f"base {percent(base)}",
                border=True,
                height="stretch",
                help=f"Of {plural(counts[split], 'question')}, answered exactly as expected.",
            )
    with st.container(border=True):
        fig = run_charts.match_figure(
            [name for _, name in groups], [test["base"][s] for s, _ in groups], [test["tuned"][s] for s, _ in groups]
        )
        chart(
            fig,
            key=f"{key}_chart",
            height=220,
            alt="; ".join(
                f"{name}: base {percent(test['base'][s])}, tuned {percent(test['tuned'][s])}" for s, name in groups
            ),
        )
    if counts.get("validation"):
        st.caption("Held-out examples were not trained on.")


def samples(test: dict[str, Any], most: int = 3) -> None:
    """A few questions of a test with both answers, side by side."""
    for number, sample in enumerate(test.get("samples", [])[:most]):
        with st.container(border=True, gap="small", key=f"sample_{number}"):
            st.markdown(f"**{md(sample['question'])}**")
            st.caption(f"Expected: {md(short(sample['expected'], 200))}")
            left, right = st.columns(2)
            for place, name, color in ((left, "base", "gray"), (right, "tuned", "blue")):
                with place, st.container(gap="xsmall"):
                    st.badge(name.capitalize(), color=color)
                    st.text(sample[name])
                    right_answer = chat.matches(sample[name], sample["expected"])
                    st.markdown(
                        ":green[:material/check: Matches]" if right_answer else ":red[:material/close: Does not match]"
                    )
