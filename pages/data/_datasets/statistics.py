"""The Statistics tab: lengths, turns, and the balance of outputs."""

from __future__ import annotations

import streamlit as st

from core.services.data import token_counts
from core.services.data.datasets import DatasetRecord, Statistics
from pages.ui import charts, components
from pages.ui.format import md, number, percent, plural, short


def statistics(dataset: DatasetRecord) -> None:
    """Draw the tab."""
    stats = token_counts.statistics(dataset.version.id)
    left, right = st.columns(2, gap="medium")
    with left:
        components.heading("Length of an example", f"tokens, {md(stats.counted)}")
        with st.container(border=True):
            bins = stats.histogram
            charts.bars(
                [f"{bin.low:,}–{bin.high - 1:,}" if bin.high - bin.low > 1 else f"{bin.low:,}" for bin in bins],
                [bin.count for bin in bins],
                key="lengths",
                alt=f"Histogram of example lengths; half are shorter than {stats.tokens_median:.0f} tokens.",
                x="Tokens",
                y="Examples",
            )
    with right:
        if stats.labels:
            _labels(stats)
        else:
            components.heading("Figures")
            with st.container(border=True):
                _figures(stats)
    if stats.labels:
        components.section_gap()
        components.heading("Figures")
        with st.container(border=True):
            _figures(stats)


def _labels(stats: Statistics) -> None:
    components.heading("Balance of outputs", plural(stats.distinct_labels, "distinct output"))
    shown = stats.labels[:12]
    with st.container(border=True):
        charts.bars(
            [short(label.text, 24) for label in shown],
            [label.count for label in shown],
            key="labels",
            alt=f"Bars of the most frequent outputs; the first occurs {shown[0].count} times.",
            y="Examples",
            color=charts.TUNED,
        )


def _figures(stats: Statistics) -> None:
    components.facts(
        [
            ("Training pairs", number(stats.train_examples)),
            (
                "Held out",
                f"{number(stats.validation_examples)} ({percent(stats.validation_examples / stats.examples)})",
            ),
            *([("Test", number(stats.test_examples))] if stats.test_examples else []),
            ("Total tokens", f"{number(stats.tokens_total)}, {stats.counted}"),
            ("Mean length", f"{number(round(stats.tokens_mean))} tokens, {stats.counted}"),
            ("Typical length", f"{number(round(stats.tokens_median))} tokens, {stats.counted}"),
            ("Longest", f"{number(stats.tokens_max)} tokens, {stats.counted}"),
            ("Multi-turn", plural(stats.multi_turn, "example")),
            ("Most turns", number(stats.turns_max)),
            ("With a system message", plural(stats.with_system, "example")),
            *([("With tools", plural(stats.with_tools, "example"))] if stats.with_tools else []),
            *([("With a rejected answer", plural(stats.with_rejected, "example"))] if stats.with_rejected else []),
            ("Distinct outputs", number(stats.distinct_labels)),
        ]
    )
