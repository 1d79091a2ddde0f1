"""Charts in the style of the studio, with placeholder colors that follow the light or dark theme."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Final

import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st
from plotly.basedatatypes import BaseFigure

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


class _Drawn(BaseFigure):  # type: ignore[misc]  # Plotly has no types
    """A figure that is plain data already: Plotly checks every value that is set, which takes 20 times as long."""

    def __init__(self, drawn: dict[str, Any]) -> None:
        self._drawn = drawn

    def to_dict(self) -> dict[str, Any]:
        return self._drawn


_MOST_KEPT: Final = 128  # figures of some tens of kilobytes
_KEPT: Final[OrderedDict[tuple[str, object], _Drawn]] = OrderedDict()
_LOCK: Final = Lock()


def chart(
    fig: go.Figure | Callable[[], go.Figure],
    *,
    key: str,
    alt: str,
    height: int = 300,
    x: str | None = None,
    y: str | None = None,
    legend: bool = True,
    token: object = None,
) -> None:
    """Draw a figure in the style of the studio; `alt` describes it in one sentence for screen readers.

    Names, labels and other texts of the figure are shown as they are written; only a line break breaks the line.

    Args:
        fig: the figure, or with a `token` the function that makes it.
        token: all that the figure of this `key` is made of. While it is the same, the same figure is drawn again, so
            that a poll that finds nothing new makes none.
    """
    drawn = _drawn(fig, height, x, y, legend) if token is None else _kept(key, token, fig, height, x, y, legend)
    st.plotly_chart(drawn, theme="streamlit", key=key, alt=alt, config={"displayModeBar": False})


def _kept(key: str, token: object, *made_of: Any) -> _Drawn:
    """The figure of this key and token, whoever drew it first: many people watch the same run."""
    slot = (key, token)
    with _LOCK:
        if slot in _KEPT:
            _KEPT.move_to_end(slot)
            return _KEPT[slot]
    drawn = _drawn(*made_of)
    with _LOCK:
        _KEPT[slot] = drawn
        if len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return drawn


def _drawn(fig: go.Figure | Callable[[], go.Figure], height: int, x: str | None, y: str | None, legend: bool) -> _Drawn:
    drawn = (fig() if callable(fig) else fig).to_dict()
    _show_as_written(drawn)
    _style(drawn["layout"], height, x, y, legend)
    return _Drawn(drawn)


def _style(layout: dict[str, Any], height: int, x: str | None, y: str | None, legend: bool) -> None:
    tick = {"color": INK, "size": 12}
    _set(
        layout,
        {
            "height": height,
            "margin": {"l": 0, "r": 20, "t": 36 if legend else 8, "b": 0},
            "showlegend": legend,
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "xanchor": "left",
                "yanchor": "bottom",
                "title": {"text": ""},
                "itemclick": False,
            },
            "hovermode": "x unified",
            "hoverlabel": {"namelength": -1, "font": tick},
            "dragmode": False,
            "bargap": 0.35,
            "barcornerradius": 3,
        },
    )
    common = {"tickfont": tick, "zeroline": False, "fixedrange": True, "automargin": True}
    spike = {"spikethickness": 1, "spikecolor": BASE, "spikedash": "dot"}
    titled = {"title": {"font": tick, **({"text": x} if x else {})}}
    _set(layout, {name: {**common, **spike, **titled, "showgrid": False} for name in _axes(layout, "xaxis")})
    titled = {"title": {"text": y}} if y else {}
    _set(layout, {name: {**common, **titled, "nticks": 6} for name in _axes(layout, "yaxis")})


def _axes(layout: Mapping[str, Any], name: str) -> set[str]:
    """The axes of a figure: the first one, and those of further parts, such as `xaxis2`."""
    return {name, *(key for key in layout if key.startswith(name))}


def _set(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set values at any depth; the others remain."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            _set(into.setdefault(name, {}), value)
        else:
            into[name] = value


def _show_as_written(drawn: Mapping[str, Any]) -> None:
    """Escape every text of a figure, because Plotly draws links, fonts and styles that are written in it."""
    layout = drawn["layout"]
    axes = [layout[name] for kind in ("xaxis", "yaxis") for name in _axes(layout, kind) if name in layout]
    for part in (*drawn["data"], *layout.get("annotations", ()), *axes):
        for name in ("name", "text", "x", "y", "customdata", "ticktext"):
            if name in part:
                part[name] = _as_written(part[name])


def _as_written(value: Any) -> Any:
    """The value with every text in it escaped; the same object if there is none."""
    if isinstance(value, str):
        return plotted(value)
    if isinstance(value, Mapping) or not isinstance(value, Iterable):  # numbers, or an array in Plotly's own encoding
        return value
    items = list(value)
    if all(isinstance(item, int | float) for item in items):
        return value
    written = [_as_written(item) for item in items]
    return value if all(new is old for new, old in zip(written, items, strict=True)) else written


def counts(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[int], str]], *, key: str, alt: str, height: int
) -> None:
    """Numbers of examples as horizontal bars, each with its number; a legend if there are several series.

    Args:
        series: (name, one count per label, color).
    """
    fig = go.Figure()
    rows = list(range(len(labels)))  # not the labels: two that are cut to the same text would share a bar
    for name, values, color in series:
        fig.add_bar(
            y=rows,
            x=list(values),
            name=name or None,
            orientation="h",
            marker_color=color,
            text=[number(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x:,} examples<extra></extra>",
        )
    fig.update_yaxes(autorange="reversed", tickmode="array", tickvals=rows, ticktext=list(labels))
    fig.update_xaxes(rangemode="tozero", showticklabels=False)
    chart(fig, key=key, alt=alt, height=height, legend=len(series) > 1)
