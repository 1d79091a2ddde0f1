"""The smaller curves of a run: every metric with a panel, with a separate panel for the GPU."""

from __future__ import annotations

from functools import partial

import plotly.graph_objects as go
import streamlit as st

from core.services.training import monitoring
from core.services.training.jobs import JobRecord
from core.services.training.metrics import METRICS, RunMetric
from pages.ui import components
from pages.ui.charts import chart, runs as run_charts
from pages.ui.charts.points import Series


def curves(job: JobRecord, points: Series) -> None:
    """One small chart per metric; the GPU panel only if there are GPU measurements."""
    components.section_gap()
    with components.spread():
        st.header("Run", anchor=False, width="content")
        _exports(job)
    _wall(job, points, [metric for metric in METRICS if metric.panel == "run"])
    gpu = [metric for metric in METRICS if metric.panel == "gpu"]
    if any(point.value(metric.id) is not None for point in points.train[-1:] for metric in gpu):
        components.section_gap()
        components.heading("GPU", "GPU telemetry")
        _wall(job, points, gpu)


def _wall(job: JobRecord, points: Series, metrics: list[RunMetric]) -> None:
    ends = (*points.train[:1], *points.train[-1:])
    with st.grid(3, min_column_width=250):
        for metric in metrics:
            if all(point.value(metric.id) is None for point in ends):
                continue
            with st.container(border=True, gap="xsmall"):
                st.caption(metric.axis)
                chart(
                    partial(_figure, job, points, metric),
                    token=(points.token, job.total_steps),
                    key=f"curve_{metric.id}",
                    height=170,
                    legend=False,
                    alt=f"{metric.axis} over the steps of the run.",
                )


def _figure(job: JobRecord, points: Series, metric: RunMetric) -> go.Figure:
    fig = run_charts.value_figure(points.all, metric, job.total_steps)
    if metric.forecast:
        low, high = (job.forecast.get(name) for name in metric.forecast)
        run_charts.mark_range(fig, low, high, metric.scale, "forecast")
    return fig


def _exports(job: JobRecord) -> None:
    """The points as files, written when a button is pressed."""
    with st.container(horizontal=True, width="content", gap="small"):
        st.download_button(
            "CSV",
            lambda: monitoring.metrics_csv(job.id),
            f"{job.id}-metrics.csv",
            "text/csv",
            icon=":material/download:",
            type="tertiary",
            key="metrics_csv",
            on_click="ignore",
            help="Every measured point, one per line.",
        )
        st.download_button(
            "TensorBoard",
            lambda: monitoring.metrics_tensorboard(job.id),
            f"{job.id}-tensorboard.zip",
            "application/zip",
            icon=":material/download:",
            type="tertiary",
            key="metrics_tensorboard",
            on_click="ignore",
            help="A zip of event files: unpack it and pass the folder to tensorboard --logdir.",
        )
