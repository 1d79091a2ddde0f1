"""Requests, latency, tokens, ratings and cost of a period."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.services.serving import analytics
from core.services.serving.analytics import UsageFigures, UsageRow
from pages.ui import addressed, components, downloads
from pages.ui.charts import BAD, BASE, TUNED, chart
from pages.ui.components import Tile
from pages.ui.format import duration, number, percent, usd

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "all": "All time"}
BY = {"models": "By model", "agents": "By agent", "days": "By day"}
FEWEST_DAYS = 2  # a single day needs none


def show() -> None:
    """The period, its tiles and charts, and the figures by model, agent or day."""
    with components.spread(key="analytics_bar"):
        period = addressed.switch("Period", PERIODS, "period", "analytics_period", "30")
        found = analytics.usage(None if period == "all" else int(period))
        if found.total.requests or found.models:
            downloads.download(
                "Download CSV",
                lambda: iter([analytics.usage_csv(found)]),
                file_name=f"usage-{period}.csv",
                mime="text/csv",
                key="usage_csv",
            )
    if not found.total.requests:
        st.caption("Nothing was asked in this period.")
        return
    _tiles(found)
    if len(found.days) >= FEWEST_DAYS:
        _charts(found)
    components.section_gap()
    by = components.switch("Figures", BY, "analytics_by")
    rows: Sequence[UsageRow] = getattr(found, by)
    if rows:
        table = _table(rows)
        counts = {
            name: st.column_config.NumberColumn(format="localized") for name in map(str, table.select_dtypes("int"))
        }
        st.dataframe(table, hide_index=True, column_config=counts, key=f"usage_{by}")
    else:
        st.caption("No agent was asked in this period.")


def _tiles(found: UsageFigures) -> None:
    total = found.total
    rated = total.good + total.bad
    tiles = [
        Tile("Requests", number(total.requests), note=_failed(total)),
        Tile("Median latency", _seconds(total.median_s), note=f"95% within {_seconds(total.p95_s)}",
             help="From the request to the end of a complete answer."),
        Tile("Tokens", number(total.tokens), note=f"{number(total.completion_tokens)} written"),
        Tile("Thumbs up", percent(total.approval), note=f"of {number(rated)}" if rated else "not rated yet"),
        Tile("Corrections", number(total.corrections)),
    ]  # fmt: skip
    if total.cost_usd is not None:
        tiles.append(Tile("Cost", usd(total.cost_usd), help="Of models behind a connection, by the prices entered."))
    components.tiles(tiles, key="usage_tiles")


def _failed(row: UsageRow) -> str | None:
    return f"{number(row.failed)} failed" if row.failed else None


def _charts(found: UsageFigures) -> None:
    days = [day.key for day in found.days]
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, key="usage_requests"):
        fig = go.Figure()
        answered = [day.requests - day.failed for day in found.days]
        fig.add_bar(x=days, y=answered, name="Answered", marker_color=TUNED)
        fig.add_bar(x=days, y=[day.failed for day in found.days], name="Failed", marker_color=BAD)
        fig.update_layout(barmode="stack")
        fig.update_yaxes(rangemode="tozero")
        total = f"{found.total.requests:,} requests on {len(days)} days"
        chart(fig, key="chart_requests", height=240, y="Requests", alt=f"{total}.")
    with right, st.container(border=True, key="usage_latency"):
        fig = go.Figure()
        for name, values, color in (
            ("Median", [day.median_s for day in found.days], TUNED),
            ("95% within", [day.p95_s for day in found.days], BASE),
        ):
            fig.add_scatter(x=days, y=values, name=name, mode="lines+markers", line={"color": color})
        fig.update_yaxes(rangemode="tozero")
        described = f"Median {_seconds(found.total.median_s)}, 95% within {_seconds(found.total.p95_s)}."
        chart(fig, key="chart_latency", height=240, y="Seconds", alt=described)


def _table(rows: Sequence[UsageRow]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Name": [row.name for row in rows],
            "Requests": [row.requests for row in rows],
            "Failed": [row.failed for row in rows],
            "Median latency": [_seconds(row.median_s) for row in rows],
            "95% within": [_seconds(row.p95_s) for row in rows],
            "Tokens in": [row.prompt_tokens for row in rows],
            "Tokens out": [row.completion_tokens for row in rows],
            "Thumbs up": [f"{row.good} of {row.good + row.bad}" if row.good + row.bad else "–" for row in rows],
            "Stars": ["–" if row.stars is None else f"{row.stars:.1f}" for row in rows],
            "Corrections": [row.corrections for row in rows],
            "Cost": [usd(row.cost_usd) for row in rows],
        }
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s" if value < 10 else duration(value)
