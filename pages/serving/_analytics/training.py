"""What training took, and whether each generation is better than the one before."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.services.serving import analytics
from core.services.serving.analytics import ModelGeneration, ModelLineage
from core.settings import get_settings
from pages.ui import components, downloads, navigation
from pages.ui.charts import TUNED, chart
from pages.ui.format import day, duration, md, number, plural

PER_PAGE = 6


def show() -> None:
    """One card for each model with its versions."""
    lines = analytics.lines()
    if not lines:
        st.caption("No model was trained yet.")
        return
    trained = [one.seconds for line in lines for one in line.versions if one.seconds]
    costs = [one.cost for line in lines for one in line.versions if one.cost is not None]
    spent = f" · {sum(costs):,.2f} {md(get_settings().currency)}" if costs else ""
    models = plural(sum(len(line.versions) for line in lines), "model")
    took = f" · {duration(sum(trained))} of training" if trained else ""
    with components.spread(key="generations_bar"):
        st.caption(f"{models}{took}{spent}", width="content")
        downloads.download(
            "Download CSV", lambda: iter([analytics.generations_csv(lines)]), file_name="generations.csv",
            mime="text/csv", key="generations_csv",
        )  # fmt: skip
    for number_, line in enumerate(components.page_of(lines, PER_PAGE, "analytics_lines")):
        _line(line, number_)
    components.pages(len(lines), PER_PAGE, key="analytics_lines")


def _line(line: ModelLineage, place: int) -> None:
    with st.container(border=True, gap="small", key=f"generations_{place}"):
        with components.spread():
            st.markdown(f"**{md(line.name, 80)}**", width="content")
            if not any(one.board for one in line.versions):
                navigation.button(
                    "Evaluate", "evaluate", {"model": line.versions[-1].model.id}, key=f"evaluate_{place}",
                    icon=":material/balance:", type="tertiary",
                )  # fmt: skip
        scored = [one for one in line.versions if one.board]
        if len(scored) > 1:
            _curve(line, scored, place)
        elif not scored:
            st.caption("Not evaluated yet: an evaluation says whether a new version is better.")
        st.dataframe(_table(line), hide_index=True, key=f"generations_table_{place}")


def _curve(line: ModelLineage, scored: list[ModelGeneration], place: int) -> None:
    names = [f"v{one.model.version}" for one in scored]
    values = [one.board.score.value for one in scored if one.board]
    fig = go.Figure(go.Scatter(x=names, y=values, mode="lines+markers", line={"color": TUNED}))
    if scored[-1].board and scored[-1].board.score.unit == "share":
        fig.update_yaxes(range=[0, 1.05], tickformat=".0%")
    said = ", ".join(f"{name} {one.board.score.text}" for name, one in zip(names, scored, strict=True) if one.board)
    chart(fig, key=f"generations_chart_{place}", height=200, y=line.metric, legend=False, alt=f"{line.metric}: {said}.")


def _table(line: ModelLineage) -> pd.DataFrame:
    currency = get_settings().currency
    columns = {
        "Version": [f"v{one.model.version}" for one in line.versions],
        "Trained": [day(one.model.created_at) for one in line.versions],
        "Examples": [number(one.examples) if one.examples else "–" for one in line.versions],
        "Training time": [duration(one.seconds) if one.seconds else "–" for one in line.versions],
    }
    if any(one.cost is not None for one in line.versions):
        columns["Cost"] = ["–" if one.cost is None else f"{one.cost:,.2f} {currency}" for one in line.versions]
    columns[line.metric or "Score"] = [one.board.score.text if one.board else "–" for one in line.versions]
    return pd.DataFrame(columns)
