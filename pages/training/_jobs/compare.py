"""Several runs in one chart and one table. The selection is in the address, so that it can be shared."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.training import monitoring
from core.services.training.metrics import METRICS, Point, RunMetric
from pages.ui import components
from pages.ui.charts import chart, runs as run_charts
from pages.ui.charts.points import Series, series_of
from pages.ui.format import format_setting, plural

ADDRESS = "jobs"
_AXES = ("Step", "Epoch", "Tokens", "Time")


def panel(ran: dict[str, str]) -> None:
    """The curves of the selected runs, their final metrics, and the settings in which they differ.

    Args:
        ran: the names of the jobs that have metric points, by id.
    """
    if len(ran) < 2:
        return
    components.section_gap()
    components.heading("Compare runs", f"Up to {run_charts.MAX_RUNS} runs")
    chosen = _choice(ran)
    if len(chosen) < 2:
        st.caption("Choose at least two runs.")
        return
    compared = monitoring.compare(chosen)
    names = _distinct([run.name for run in compared.runs])
    _chart([(name, series_of(run)) for name, run in zip(names, compared.runs, strict=True)])
    _figures(compared, names)
    _settings(compared, names)


def _choice(ran: dict[str, str]) -> list[str]:
    """The runs in the address, or the two newest ones; a new selection is written to the address."""
    asked = [one for one in st.query_params.get(ADDRESS, "").split(",") if one in ran][: run_charts.MAX_RUNS]
    chosen: list[str] = st.multiselect(
        "Runs",
        list(ran),
        default=asked or list(ran)[:2],
        format_func=lambda one: f"{ran[one]} · {one[-4:]}" if _twice(ran, one) else ran[one],
        max_selections=run_charts.MAX_RUNS,
        key="compare",
        label_visibility="collapsed",
        placeholder="Choose the runs to compare",
    )
    if chosen != asked and (asked or chosen != list(ran)[:2]):
        st.query_params[ADDRESS] = ",".join(chosen)
    return chosen


def _twice(ran: dict[str, str], one: str) -> bool:
    return list(ran.values()).count(ran[one]) > 1


def _distinct(names: list[str]) -> list[str]:
    return [f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names, 1)]


def _chart(runs: list[tuple[str, Series]]) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            offered = {metric.title: metric for metric in METRICS if metric.better and _any(runs, metric)}
            title = components.switch("Metric", {title: title for title in offered}, "compare_y", "Loss")
            axis = components.switch("Along", {axis: axis for axis in _AXES}, "compare_x")
        metric = offered[title]
        fig = figure(runs, metric, axis)
        x = {"Tokens": "Tokens trained", "Time": "Minutes since the first step"}.get(axis, axis)
        chart(fig, key="compare_chart", height=340, x=x, y=metric.axis, alt=f"{title} of {plural(len(runs), 'run')}.")
        if any(run_charts.measured(series.validation, metric) for _, series in runs):
            st.caption("Solid: validation, if the run has one. Dotted: training.")


def _any(runs: list[tuple[str, Series]], metric: RunMetric) -> bool:
    return any(point.value(metric.id) is not None for _, series in runs for point in series.train[-1:])


def figure(runs: list[tuple[str, Series]], metric: RunMetric, axis: str) -> go.Figure:
    """One color per run; with validation points the solid line is validation and the dotted line is training."""
    fig = go.Figure()
    for (name, series), color in zip(runs, run_charts.RUN_COLORS, strict=False):
        held = run_charts.measured(series.validation, metric)
        train = run_charts.measured(series.train, metric)
        begin = train[0][0].created_at if train else 0.0
        values = run_charts.smoothed([value for _, value in train])
        rows = run_charts.thinned(list(zip([point for point, _ in train], values, strict=True)))
        if rows:
            fig.add_scatter(
                x=[_along(point, axis, begin) for point, _ in rows],
                y=[value for _, value in rows],
                mode="lines",
                name=f"{name}, training" if held else name,
                showlegend=not held,
                hovertemplate="%{y:.4~g}",
                line={"color": color, "width": 1.5, "dash": "dot" if held else "solid"},
            )
        checks = run_charts.thinned(held)
        if checks:
            fig.add_scatter(
                x=[_along(point, axis, begin) for point, _ in checks],
                y=[value for _, value in checks],
                mode="lines",
                name=name,
                hovertemplate="%{y:.4~g}",
                line={"color": color, "width": 2.5},
            )
    fig.update_yaxes(rangemode="tozero")
    return fig


def _along(point: Point, axis: str, begin: float) -> float:
    if axis == "Time":
        return float(point.created_at - begin) / 60
    return float(getattr(point, {"Step": "step", "Epoch": "epoch", "Tokens": "tokens"}[axis]))


def _figures(compared: monitoring.Compared, names: list[str]) -> None:
    components.section_gap()
    components.heading("Results", "The best value of each row is marked; a run without a model shows its last step")
    rows = {}
    for figure_ in compared.figures:
        words = [figure_.write(value) for value in figure_.values]
        rows[figure_.name] = [f"{word}  ★" if i in figure_.best else word for i, word in enumerate(words)]
    _table(rows, names, key="compare_figures")


def _settings(compared: monitoring.Compared, names: list[str]) -> None:
    components.section_gap()
    components.heading("Different settings", plural(len(compared.settings), "setting"))
    if not compared.settings:
        st.caption("None: dataset, base model, method and all numbers are the same.")
        return
    rows = {setting.name: [format_setting(value) for value in setting.values] for setting in compared.settings}
    _table(rows, names, key="compare_settings")


def _table(rows: dict[str, list[str]], names: list[str], *, key: str) -> None:
    """One column per run; the table scrolls if they do not fit."""
    import pandas as pd

    frame = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    st.dataframe(frame, key=key, column_config={"_index": st.column_config.TextColumn("", width=215, pinned=True)})
