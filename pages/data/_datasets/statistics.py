"""The Statistics tab: lengths, turns, and the balance of outputs."""

from __future__ import annotations

import streamlit as st

from core.services.data import token_counts
from core.services.data.datasets import DatasetRecord, Statistics
from pages.data._datasets import shape
from pages.ui import components
from pages.ui.format import number, percent, plural


def statistics(dataset: DatasetRecord) -> None:
    """Draw the tab."""
    stats = token_counts.statistics(dataset.version.id)
    left, right = st.columns(2, gap="medium")
    with left:
        shape.lengths(stats.histogram, stats.counted)
        if stats.labels:
            components.section_gap()
            _figures(stats)
    with right:
        if stats.labels:
            shape.outputs(stats.labels)
        else:
            _figures(stats)


def _figures(stats: Statistics) -> None:
    components.heading("Figures")
    with st.container(border=True):
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
