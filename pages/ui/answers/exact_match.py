"""The result of an exact-match test: tiles, bars, and sample questions with both answers."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from core.services.serving import chat
from core.services.training.results import ExactMatchResult
from pages.ui import components
from pages.ui.charts import chart, runs as run_charts
from pages.ui.format import md, percent, plural, short


def figures(test: ExactMatchResult, key: str = "test") -> None:
    """Tiles and bars of an exact-match test."""
    counts = asdict(test.counts)
    base_shares, tuned_shares = asdict(test.base), asdict(test.tuned)
    total = sum(counts.values())
    components.heading(f"On {plural(total, 'example')}", "Word-for-word matches")
    groups = [
        (split, name)
        for split, name in (("train", "Training examples"), ("validation", "Held-out examples"))
        if counts[split]
    ]
    with st.grid(2, min_column_width=200):
        for split, name in groups:
            base, tuned = base_shares[split], tuned_shares[split]
            st.metric(
                name,
                percent(tuned),
                f"{100 * (tuned - base):+.0f} pts",
                delta_color="normal" if tuned != base else "off",
                delta_arrow="auto" if tuned != base else "off",
                delta_description=f"base {percent(base)}",
                border=True,
                height="stretch",
                help=f"Share of {plural(counts[split], 'question')} answered exactly as expected.",
            )
    with st.container(border=True):
        fig = run_charts.match_figure(
            [name for _, name in groups], [base_shares[s] for s, _ in groups], [tuned_shares[s] for s, _ in groups]
        )
        chart(
            fig,
            key=f"{key}_chart",
            height=220,
            alt="; ".join(
                f"{name}: base {percent(base_shares[s])}, tuned {percent(tuned_shares[s])}" for s, name in groups
            ),
        )
    if counts["validation"]:
        st.caption("Held-out examples were not used for training.")


def samples(test: ExactMatchResult, most: int = 3) -> None:
    """A few questions of a test with both answers, side by side."""
    for number, sample in enumerate(test.samples[:most]):
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
