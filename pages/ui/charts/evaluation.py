"""Charts of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.services.serving.evaluating import ConfusionMatrix
from pages.ui.charts import INK, SEQ, chart
from pages.ui.escaping import plotted

_ROW_PX = 44
_FRAME_PX = 110  # axis titles and labels


def confusion_matrix(matrix: ConfusionMatrix, *, key: str, alt: str) -> None:
    """A heatmap with the number of answers in each cell; right answers are on the diagonal."""
    fig = go.Figure(
        go.Heatmap(
            x=list(matrix.columns),
            y=list(matrix.labels),
            z=[list(row) for row in matrix.counts],
            colorscale=[[0, SEQ[0]], [1, SEQ[7]]],
            zmin=0,
            showscale=False,
            texttemplate="%{z}",
            xgap=2,
            ygap=2,
            hovertemplate="expected %{y}, answered %{x}: %{z}<extra></extra>",
        )
    )
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.update_xaxes(side="bottom")
    height = _FRAME_PX + _ROW_PX * len(matrix.labels)
    chart(fig, key=key, alt=alt, height=height, x=f"Answered {matrix.field}", y="Expected", legend=False)


def radar(
    axes: Sequence[str], models: Sequence[tuple[str, Sequence[float], str]], *, key: str, alt: str, height: int = 340
) -> None:
    """Shares of 0 to 1 of several models, one axis each; the circles are 50% and 100%.

    Args:
        models: (title, one value for each axis, color); the area of the last one is filled.
    """
    fig = go.Figure()
    for title, values, color in models:
        fig.add_scatterpolar(
            r=[100 * value for value in (*values, values[0])],
            theta=[*axes, axes[0]],
            name=title,
            line_color=color,
            line_width=2,
            fill="toself" if (title, values, color) == models[-1] else "none",
            opacity=0.85,
            hovertemplate="%{theta}: %{r:.0f}%<extra></extra>",
        )
    tick = {"color": INK, "size": 11}
    fig.update_polars(
        domain={"x": [0.2, 0.8], "y": [0.1, 0.9]},  # room for the labels, also on a narrow screen
        bgcolor="rgba(0,0,0,0)",
        # Numbers would be drawn over the lines of the models: the caption below says what the circles are.
        radialaxis={"range": [0, 100], "tickvals": [50, 100], "showticklabels": False, "ticks": "", "showline": False},
        angularaxis={"tickfont": tick, "rotation": 90, "direction": "clockwise"},
    )
    chart(fig, key=key, alt=alt, height=height)


def quality_by_latency(
    points: Sequence[tuple[str, float, float, str]],
    *,
    key: str,
    alt: str,
    quality: str,
    share: bool = False,
    height: int = 340,
) -> None:
    """Each model as a point: the seconds of an answer, and how good it is; better is up and to the left.

    Args:
        points: (title, seconds, quality, color).
        quality: the title of the axis.
        share: the quality is 0 to 1.
    """
    fig = go.Figure()
    for title, seconds, value, color in points:
        fig.add_scatter(
            x=[seconds],
            y=[value],
            name=title,
            mode="markers",
            marker={"size": 14, "color": color},
            hovertemplate=f"%{{x:.2f}} s, %{{y{':.1%' if share else ':.3g'}}}<extra>{plotted(title)}</extra>",
        )
    fig.update_xaxes(rangemode="tozero")
    fig.update_yaxes(**({"range": [-0.05, 1.05], "tickformat": ".0%"} if share else {"rangemode": "tozero"}))
    chart(fig, key=key, alt=alt, height=height, x="Median seconds of an answer", y=quality)
