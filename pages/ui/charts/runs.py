"""Curves of a run: training in gray, validation in blue, raw values thin and pale, over all planned steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import plotly.graph_objects as go

from core.services.training.metrics import Point, RunMetric
from pages.ui.charts import BAD, BASE, BASE_SOFT, GOOD, INK, TUNED, TUNED_SOFT, WAIT

T = TypeVar("T")

RUN_COLORS = (TUNED, BASE, GOOD, WAIT, BAD, TUNED_SOFT, BASE_SOFT, INK)  # of compared runs, by their selection
MAX_RUNS = len(RUN_COLORS)
SMOOTHING = {"None": 0.0, "Normal": None, "Strong": 0.97}  # weight of the mean; None: by length
_MAX_DRAWN = 400  # points per line; a chart 600 px wide cannot show more


def smoothed(values: Sequence[float], weight: float | None = None) -> list[float]:
    """Exponential moving average with bias correction: the first smoothed value equals the first value.

    Short runs are smoothed less, because an average over many steps would lag behind their steep start.
    Source: Kingma & Ba 2015, section 3 (bias correction).
    """
    if weight is None:
        weight = 0.5 if len(values) <= 40 else 0.8 if len(values) <= 400 else 0.9
    out: list[float] = []
    mean = 0.0
    for index, value in enumerate(values, start=1):
        mean = weight * mean + (1 - weight) * value
        out.append(mean / (1 - weight**index))
    return out


def thinned(points: Sequence[T], most: int = _MAX_DRAWN) -> list[T]:
    """About `most` points at most, including the first and the last."""
    stride = max(1, -(-len(points) // most))
    kept = list(points[::stride])
    if points and kept[-1] is not points[-1]:
        kept.append(points[-1])
    return kept


def measured(points: Iterable[Point], metric: RunMetric) -> list[tuple[Point, float]]:
    """(point, value in the metric's unit) of the points that have one."""
    return [(point, value * metric.scale) for point in points if (value := point.value(metric.id)) is not None]


def by_split(points: Iterable[Point]) -> tuple[list[Point], list[Point]]:
    """(training points, validation points), each by step."""
    rows = sorted(points, key=lambda point: point.step)
    return [p for p in rows if p.split != "validation"], [p for p in rows if p.split == "validation"]


def loss_figure(
    points: Iterable[Point],
    total_steps: int | None,
    epochs: float | None = None,
    *,
    smoothing: str = "Normal",
    kept: int = 0,
) -> go.Figure:
    """Training and validation loss over steps.

    Args:
        points: metric points (split, step, loss).
        total_steps: the planned number of steps, the end of the x axis.
        epochs: planned epochs; up to six are marked once they start.
        kept: the step whose weights became the model; marked if it is not the last step.
    """
    train, validation = by_split(points)
    fig = go.Figure()
    if train:
        means = smoothed([p.loss for p in train], SMOOTHING[smoothing])
        rows = thinned(list(zip([p.step for p in train], [p.loss for p in train], means, strict=True)))
        x = [step for step, _, _ in rows]
        fig.add_scatter(
            x=x,
            y=[raw for _, raw, _ in rows],
            mode="lines",
            name="Each step",
            showlegend=False,
            hoverinfo="skip",
            opacity=0.6,
            line={"color": BASE, "width": 1},
        )
        fig.add_scatter(
            x=x,
            y=[mean for _, _, mean in rows],
            mode="lines",
            name="Training",
            hovertemplate="%{y:.3f}",
            line={"color": BASE, "width": 2},
        )
    if validation:
        checks = thinned(validation)
        fig.add_scatter(
            x=[p.step for p in checks],
            y=[p.loss for p in checks],
            mode="lines+markers",
            name="Validation",
            hovertemplate="%{y:.3f}",
            line={"color": TUNED, "width": 2.5},
            marker={"size": 6 if len(checks) <= 40 else 3},
        )
    last = max((p.step for p in (*train[-1:], *validation[-1:])), default=0)
    total = max(total_steps or 0, last)
    if total:
        fig.update_xaxes(range=[0, total * 1.01])
        _mark_epochs(fig, total, epochs, last)
        if 0 < kept < last:
            line = {"color": TUNED, "width": 1.5}
            _mark_step(fig, kept, "Saved", line, y=0, xanchor="right", yanchor="bottom", xshift=-4)
    fig.update_yaxes(rangemode="tozero")
    return fig


def value_figure(points: Iterable[Point], metric: RunMetric, total_steps: int | None) -> go.Figure:
    """One metric over the steps; points without a value are left out."""
    train, validation = by_split(points)
    fig = go.Figure()
    last = 0
    color = TUNED if metric.planned else BASE
    for split, shown, ink, mode in (
        (train, metric.axis, color, "lines"),
        (validation, "Validation", TUNED, "lines+markers"),
    ):
        rows = thinned(measured(split, metric), 200)
        if split is validation and not rows:
            continue
        last = max(last, rows[-1][0].step if rows else 0)
        fig.add_scatter(
            x=[point.step for point, _ in rows],
            y=[value for _, value in rows],
            mode=mode,
            name=shown,
            hovertemplate="%{y:.4~g}",
            line={"color": ink, "width": 2},
            marker={"size": 4},
        )
    if total_steps or last:
        fig.update_xaxes(range=[0, max(total_steps or 0, last) * 1.01])
    fig.update_yaxes(rangemode="tozero")
    return fig


def mark_range(fig: go.Figure, low: float | None, high: float | None, scale: float, word: str) -> None:
    """A pale band with a label behind the measured curve, such as the forecast range."""
    if not high:
        return
    fig.add_hrect(y0=(low or high) * scale, y1=high * scale, fillcolor=TUNED_SOFT, opacity=0.25, line_width=0)
    fig.add_annotation(
        x=1,
        xref="paper",
        y=high * scale,
        text=word,
        showarrow=False,
        xanchor="right",
        yanchor="bottom",
        font={"color": INK, "size": 11},
    )
    fig.update_yaxes(range=[0, 1.15 * max([high * scale, *(max(trace.y, default=0) for trace in fig.data)])])


def match_figure(groups: Sequence[str], base: Sequence[float], tuned: Sequence[float]) -> go.Figure:
    """Share of exact answers of base and tuned model, as bars from 0 to 100 %."""
    fig = go.Figure()
    for name, values, color in (("Base", base, BASE), ("Tuned", tuned, TUNED)):
        fig.add_bar(
            x=list(groups),
            y=[100 * v for v in values],
            name=name,
            marker={"color": color},
            hovertemplate="%{y:.0f}%",
            text=[f"{100 * v:.0f}%" for v in values],
            textposition="outside",
            textfont={"color": INK, "size": 12},
            cliponaxis=False,
        )
    fig.update_yaxes(range=[0, 112], tickvals=[0, 25, 50, 75, 100], ticktext=["0%", "25%", "50%", "75%", "100%"])
    return fig


def _mark_epochs(fig: go.Figure, total: int, epochs: float | None, last: int) -> None:
    """A dotted line at the start of each epoch reached so far, if there are at most six."""
    if not epochs or not 1 < epochs <= 6:
        return
    for number in range(2, int(epochs) + 1):
        step = total * (number - 1) / epochs
        if step <= last:
            line = {"color": BASE_SOFT, "width": 1, "dash": "dot"}
            _mark_step(fig, step, f"Epoch {number}", line, y=1, xanchor="left", yanchor="top", xshift=3)


def _mark_step(fig: go.Figure, step: float, text: str, line: dict[str, Any], **place: Any) -> None:
    """A line from the bottom to the top of the chart, with its name."""
    fig.add_shape(type="line", x0=step, x1=step, y0=0, y1=1, yref="paper", line=line)
    fig.add_annotation(x=step, yref="paper", text=text, showarrow=False, font={"color": INK, "size": 11}, **place)
