"""Charts in the style of the studio, with placeholder colors that follow the light or dark theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

from pages.ui import theme
from pages.ui.escaping import plotted
from pages.ui.format import number

# Placeholders from Streamlit's template; the browser replaces them with the colors of the active theme.
_TEMPLATE = pio.templates["streamlit"].layout  # registered by importing streamlit
_SERIES = dict(zip(theme.SERIES, _TEMPLATE.colorway, strict=True))
TUNED, TUNED_SOFT = _SERIES["accent-7"], _SERIES["accent-soft"]
BASE, BASE_SOFT = _SERIES["gray"], _SERIES["gray-soft"]
GOOD, WAIT, BAD = _SERIES["green"], _SERIES["orange"], _SERIES["red"]
INK = _SERIES["ink"]
SEQ: list[str] = [color for _, color in _TEMPLATE.colorscale.sequential]  # ten steps of the accent


def chart(
    fig: go.Figure,
    *,
    key: str,
    alt: str,
    height: int = 300,
    x: str | None = None,
    y: str | None = None,
    legend: bool = True,
) -> None:
    """Draw a figure in the style of the studio; `alt` describes it in one sentence for screen readers.

    Names, labels and other texts of the figure are shown as they are written; only a line break breaks the line.
    """
    _show_as_written(fig)
    tick: dict[str, Any] = {"color": INK, "size": 12}
    fig.update_layout(
        height=height,
        margin={"l": 0, "r": 20, "t": 36 if legend else 8, "b": 0},
        showlegend=legend,
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "xanchor": "left",
            "yanchor": "bottom",
            "title_text": "",
            "itemclick": False,
        },
        hovermode="x unified",
        hoverlabel={"namelength": -1, "font": {"color": INK, "size": 12}},
        dragmode=False,
        bargap=0.35,
        barcornerradius=3,
    )
    fig.update_xaxes(
        title_text=x,
        tickfont=tick,
        title_font=tick,
        showgrid=False,
        spikethickness=1,
        spikecolor=BASE,
        spikedash="dot",
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    fig.update_yaxes(title_text=y, tickfont=tick, nticks=6, zeroline=False, fixedrange=True, automargin=True)
    st.plotly_chart(fig, theme="streamlit", key=key, alt=alt, config={"displayModeBar": False})


def _show_as_written(fig: go.Figure) -> None:
    """Escape every text of a figure, because Plotly draws links, fonts and styles that are written in it."""
    for part in (*fig.data, *fig.layout.annotations):
        for name in ("name", "text", "x", "y", "customdata"):
            value = getattr(part, name, None)
            written = _as_written(value)
            if written is not value:
                part[name] = written


def _as_written(value: Any) -> Any:
    """The value with every text in it escaped; the same object if there is none."""
    if isinstance(value, str):
        return plotted(value)
    if not isinstance(value, Iterable):
        return value
    items = list(value)
    written = [_as_written(item) for item in items]
    return value if all(new is old for new, old in zip(written, items, strict=True)) else written


def bars(
    labels: Sequence[str],
    values: Sequence[float],
    *,
    key: str,
    alt: str,
    x: str | None = None,
    y: str | None = None,
    color: str = BASE,
) -> None:
    """One series of bars, starting at zero."""
    fig = go.Figure(go.Bar(x=list(labels), y=list(values), marker_color=color))
    fig.update_yaxes(rangemode="tozero")
    chart(fig, key=key, alt=alt, height=220, x=x, y=y, legend=False)


def counts(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[int], str]], *, key: str, alt: str, height: int
) -> None:
    """Numbers of examples as horizontal bars, each with its number; a legend if there are several series.

    Args:
        series: (name, one count per label, color).
    """
    fig = go.Figure()
    for name, values, color in series:
        fig.add_bar(
            y=list(labels),
            x=list(values),
            name=name or None,
            orientation="h",
            marker_color=color,
            text=[number(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x:,} examples<extra></extra>",
        )
    fig.update_yaxes(autorange="reversed", type="category", dtick=1)
    fig.update_xaxes(rangemode="tozero", showticklabels=False)
    chart(fig, key=key, alt=alt, height=height, legend=len(series) > 1)
