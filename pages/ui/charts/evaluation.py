"""Charts of an evaluation."""

from __future__ import annotations

import plotly.graph_objects as go

from core.services.training.models import ConfusionMatrix
from pages.ui.charts import SEQ, chart

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
