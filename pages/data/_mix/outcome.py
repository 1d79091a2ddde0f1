"""The contents of a mix, and the form that creates it."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.errors import StudioError
from core.services.data.datasets import mix as dataset_mix
from core.services.data.datasets.mix import MixPlan
from pages.data._mix.choose import Parts
from pages.ui import charts, components
from pages.ui.format import number, percent, plural, sentence, short
from pages.ui.wizard import ONWARD_KEYS


def outcome(parts: Parts, total: int | None) -> None:
    """Draw the counts of the mix and the form that creates it."""
    components.heading("Result")
    if len(parts) < 2:
        with st.container(border=True, horizontal_alignment="center", key="mix_waits"):
            st.space("small")
            components.large_icon("blender", "mix_waits")
            st.caption("Choose two or more datasets to see the counts.", text_alignment="center")
            st.space("small")
        return
    plan = dataset_mix.mix_plan(parts, total)
    with st.container(border=True, gap="small", key="mix_outcome"):
        st.markdown(f"**{plural(plan.total, 'labeled example')}**")
        _picture(plan)
        for part in plan.parts:
            note = percent(part.share)
            if part.repeats:
                note += f" · {part.taken / part.available:.3g} times each"
            elif part.taken < part.available:
                note += f" · of {number(part.available)}, drawn at random"
            components.list_row(part.title, note, aside=number(part.taken))
    _create(parts, total)


def _picture(plan: MixPlan) -> None:
    colors = [charts.TUNED, charts.BASE, charts.GOOD, charts.WAIT, charts.BAD, charts.TUNED_SOFT, charts.BASE_SOFT]
    fig = go.Figure(
        [
            go.Bar(
                y=[""],
                x=[part.taken],
                orientation="h",
                name=short(part.title, 30),
                marker_color=colors[index % len(colors)],
                text=percent(part.share),
                textposition="inside",
                insidetextanchor="middle",
                hovertemplate=f"{part.taken:,}<extra></extra>",
            )
            for index, part in enumerate(plan.parts)
        ]
    )
    fig.update_layout(barmode="stack")
    fig.update_xaxes(range=[0, plan.total], showticklabels=False)
    charts.chart(
        fig,
        key="mix_picture",
        alt="; ".join(f"{part.title}: {part.taken:,} ({percent(part.share)})" for part in plan.parts),
        height=64,
        legend=False,
    )


def _create(parts: Parts, total: int | None) -> None:
    components.section_gap()
    name = st.text_input("Name", max_chars=200, placeholder="Support and general", key="mix_name")
    slot = st.empty()
    description = st.text_input("Description (optional)", max_chars=1_000, key="mix_description")
    distinct = st.toggle(
        "Leave out repeated inputs",
        key="distinct",
        bind="query-params",
        help="Of examples with the same input, those of the dataset that was chosen first are used.",
    )
    seed = st.number_input(
        "Seed",
        0,
        2**31 - 1,
        42,
        help="Decides which examples are drawn. The same seed creates the same mix.",
        bind="query-params",
        key="seed",
    )
    if not st.button(
        "Mix datasets",
        type="primary",
        icon=":material/blender:",
        width="stretch",
        shortcut=ONWARD_KEYS,
        key="mix_now",
    ):
        return
    try:
        task = dataset_mix.mix(name, parts, total, int(seed), description, distinct=distinct)
    except StudioError as error:
        slot.markdown(f":red[:small[:material/error: {sentence(error.message)} {sentence(error.remedy)}]]")
        return
    st.query_params["task"] = task.id
    st.rerun()
