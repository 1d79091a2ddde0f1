"""The figures of a month: tiles, a chart by day, and a table by kind, provider or person."""

from __future__ import annotations

from calendar import month_name
from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.services.platform.spending import SpendingFigures
from pages.ui import components, person
from pages.ui.charts import BASE, GOOD, TUNED, TUNED_SOFT, WAIT, chart
from pages.ui.components import Tile
from pages.ui.format import number, plural, usd

BY: Final = {"kind": "By kind", "provider": "By provider", "person": "By person", "day": "By day"}
_COLORS: Final = (TUNED, BASE, TUNED_SOFT, GOOD, WAIT)
_MOST_SERIES: Final = len(_COLORS)


def month_title(month: str) -> str:
    """`2026-11` as `November 2026`."""
    year, _, number_ = month.partition("-")
    return f"{month_name[int(number_)]} {year}"


def show(found: SpendingFigures) -> None:
    """What was spent, or what would appear here."""
    components.heading("Spent", "on the day the work was started")
    if not found.works:
        with st.container(border=True, gap="xsmall", key="spending_empty"):
            st.markdown("**Nothing was paid for in this month.**")
            st.caption(
                "Paid work appears here as soon as it starts: training at a hosted service, smart mode and evaluations "
                "with a model behind a connection that has a price (Settings), and training on this machine where "
                "`SFT_PRICE_PER_HOUR` is set."
            )
        return
    open_works = sum(work.state == "open" for work in found.works)
    beyond = sum(bool(work.override_reason) for work in found.works)
    components.tiles(
        [
            Tile("Spent", usd(found.spent_usd), note="billed"),
            Tile("Reserved", usd(found.reserved_usd), note="at most", help="For work that has not ended."),
            Tile("Paid work", number(len(found.works)), note=f"{open_works} open" if open_works else "all ended"),
            Tile("Beyond a budget", number(beyond), note="with a reason" if beyond else "none"),
        ],
        key="spending_tiles",
    )
    components.section_gap()
    by = components.switch("Figures", BY, "spending_by")
    if len(found.by["day"]) > 1 or by == "day":
        with st.container(border=True, key="spending_chart"):
            _chart(found, "kind" if by == "day" else by)
    _table(found, by)


def _chart(found: SpendingFigures, by: str) -> None:
    """Dollars of each day, stacked; the smallest series share one."""
    days = list(found.daily[by])
    names = [row.key for row in found.by[by]]
    shown, rest = names[: _MOST_SERIES - 1], names[_MOST_SERIES - 1 :]
    fig = go.Figure()
    for color, group in zip(_COLORS, [*([name] for name in shown), rest], strict=False):
        if group:
            amounts = [sum(found.daily[by][day].get(name, 0.0) for name in group) for day in days]
            label = _name(group[0], by) if len(group) == 1 else f"{len(group)} others"
            fig.add_bar(x=days, y=amounts, name=label, marker_color=color, hovertemplate="$%{y:,.2f}")
    fig.update_layout(barmode="stack")
    fig.update_yaxes(rangemode="tozero", tickprefix="$")
    fig.update_xaxes(type="category")
    total = usd(found.spent_usd + found.reserved_usd)
    chart(fig, key=f"chart_spending_{by}", height=260, y="US dollars", alt=f"{total} on {plural(len(days), 'day')}.")


def _table(found: SpendingFigures, by: str) -> None:
    rows = found.by[by]
    table = pd.DataFrame(
        {
            BY[by].removeprefix("By ").capitalize(): [_name(row.key, by) for row in rows],
            "Paid work": [row.works for row in rows],
            "Spent": [usd(row.spent_usd) for row in rows],
            "Reserved": [usd(row.reserved_usd) for row in rows],
        }
    )
    st.dataframe(table, hide_index=True, key=f"spending_{by}")


def _name(key: str, by: str) -> str:
    if by == "person" and not key:
        return person.NO_NAME
    return key or "–"
