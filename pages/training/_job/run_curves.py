"""The quieter curves of a run: accuracy, gradient, learning rate, speed, memory against its forecast; and the GPU's."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.training import monitoring
from pages.ui import components
from pages.ui.charts import TUNED, chart, runs as run_charts
from pages.ui.charts.points import Series

_GB = 1 / 1024**3
_CURVES = (  # field, name, scale, color
    ("token_accuracy", "Token accuracy (%)", 100.0, None),
    ("grad_norm", "Gradient norm", 1.0, None),
    ("learning_rate", "Learning rate", 1.0, TUNED),
    ("tokens_per_s", "Tokens per second", 1.0, None),
    ("memory_bytes", "Memory (GB)", _GB, None),
)
_GPU = (
    ("mfu", "Model FLOPs utilisation (%)", 100.0, None),
    ("gpu_utilization", "GPU utilisation (%)", 1.0, None),
    ("gpu_temperature_c", "Temperature (°C)", 1.0, None),
    ("gpu_power_w", "Power (W)", 1.0, None),
    ("memory_reserved_bytes", "Memory reserved (GB)", _GB, None),
)


def curves(job: Any, points: Series) -> None:
    """One small chart per measured figure; the GPU's panel only where there is a GPU."""
    components.section_gap()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Run", anchor=False, width="content")
        _exports(job)
    _wall(job, points, _CURVES)
    if any(getattr(points.train[-1], field) is not None for field, *_ in _GPU) if points.train else False:
        components.section_gap()
        components.heading("GPU", "What the card itself says")
        _wall(job, points, _GPU)


def _wall(job: Any, points: Series, wanted: Any) -> None:
    with st.grid(3, min_column_width=250):
        for field, name, scale, color in wanted:
            if not any(getattr(point, field) is not None for point in (*points.train[:1], *points.train[-1:])):
                continue
            with st.container(border=True, gap="xsmall"):
                st.caption(name)
                extra = {"color": color} if color else {}
                fig = run_charts.value_figure(
                    [*points.train, *points.validation], field, job.total_steps, scale=scale, name=name, **extra
                )
                if field == "memory_bytes":
                    run_charts.mark_range(
                        fig, job.forecast.get("memory_low"), job.forecast.get("memory_high"), scale, "forecast"
                    )
                chart(fig, key=f"curve_{field}", height=170, legend=False, alt=f"{name} over the steps of the run.")


def _exports(job: Any) -> None:
    """The points as files; made when the button is pressed."""
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
            help="Every measured point, one a line.",
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
            help="Event files in a zip: unpack it and name the folder to tensorboard --logdir.",
        )
