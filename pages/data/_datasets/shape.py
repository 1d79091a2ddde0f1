"""The shape of a version in two charts: the lengths of its examples, and how often each output occurs."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.services.data.datasets import Bin, Label
from pages.ui import charts, components
from pages.ui.format import md, plural, short

_MOST_OUTPUTS = 15


def lengths(
    histogram: Sequence[Bin], counted: str, before: tuple[str, Sequence[Bin]] | None = None, *, name: str = ""
) -> None:
    """A histogram of the lengths in tokens.

    Args:
        counted: how the tokens were counted, such as "estimated".
        before: the name and the histogram of an earlier version, drawn behind it where it differs.
    """
    components.heading("Length of an example", f"tokens, {md(counted)}")
    with st.container(border=True):
        fig = go.Figure()
        if before and before[1] != histogram:
            fig.add_trace(_bars(before[1], before[0], charts.BASE_SOFT))
        fig.add_trace(_bars(histogram, name, charts.TUNED))
        fig.update_layout(barmode="overlay")
        fig.update_yaxes(rangemode="tozero")
        charts.chart(
            fig,
            key="lengths",
            alt=f"Histogram of the lengths of {plural(sum(item.count for item in histogram), 'example')}.",
            height=260,
            x="Tokens",
            y="Examples",
            legend=len(fig.data) > 1,
        )


def _bars(bins: Sequence[Bin], name: str, color: str) -> go.Bar:
    """A histogram on a numeric axis, so that two with different bin widths can overlap."""
    return go.Bar(
        x=[(item.low + item.high) / 2 for item in bins],
        y=[item.count for item in bins],
        width=[item.high - item.low for item in bins],
        customdata=[f"{item.low:,} to {item.high - 1:,} tokens" for item in bins],
        hovertemplate="%{y:,} examples of %{customdata}<extra></extra>",
        name=name,
        marker_color=color,
        marker_line_width=0,
        opacity=0.85,
    )


def outputs(labels: Sequence[Label]) -> None:
    """Bars of the most common outputs, the most common first."""
    shown = labels[:_MOST_OUTPUTS]
    heading = f"the {len(shown)} most common" if len(labels) > len(shown) else plural(len(shown), "output")
    components.heading("Balance of outputs", heading)
    with st.container(border=True):
        charts.counts(
            [short(label.text, 26) or "(empty)" for label in shown],
            [("", [label.count for label in shown], charts.TUNED)],
            key="labels",
            alt=f"Bars of the most common outputs; the first appears {shown[0].count:,} times.",
            height=max(260, 24 * len(shown) + 20),
        )
