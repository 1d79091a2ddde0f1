"""The dialog that splits a dataset into training and held-out examples, with a chart of the balance."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.services.data.datasets import DatasetRecord, edits as dataset_edits
from core.services.data.datasets.operations import GROUPINGS, Effect, Split, make
from pages.data._datasets.editing.change import dialog_foot
from pages.ui import charts, components
from pages.ui.dialogs import dialog
from pages.ui.format import number, percent, sentence, short

_KINDS = {
    "near": (
        "Recommended",
        "At random, with near duplicates on one side: validation measures what the training never saw.",
    ),
    "random": ("Random", "Every example has the same chance to be held out."),
    "stratified": ("Stratified", "The same share of each output is held out, so both parts have the same balance."),
    "group": ("By group", "Examples of one group stay on one side, so that nothing leaks from training to validation."),
}


@dialog("Split into training and validation", width="medium", icon=":material/call_split:")
def open_dialog(dataset: DatasetRecord) -> None:
    """Choose the kind and the share, see the balance, create the version."""
    st.caption("The model never trains on held-out examples; they show how well it handles new ones.")
    titles = {name: title for name, (title, _) in _KINDS.items()}
    kind = components.switch("How", titles, key="split_kind", labeled=True)
    st.caption(_KINDS[kind][1])
    values: dict[str, Any] = {"kind": kind}
    if kind == "group":
        values["by"] = st.selectbox(
            "Group by", list(GROUPINGS), index=1, format_func=GROUPINGS.__getitem__, key="split_by"
        )
    left, right = st.columns(2)
    values["share"] = left.slider("Held out (%)", 0, 90, 10, help="0: all for training.", key="split_share") / 100
    values["seed"] = right.number_input(
        "Seed", 0, 2**31 - 1, 42, help="The same seed gives the same split.", key="split_seed"
    )
    if dataset.examples < 200 and values["share"]:
        st.caption(
            ":material/info: Below 200 examples, use all of them for training: a model cannot learn facts it never saw."
        )
    dialog_foot(
        dataset,
        lambda: make(Split, **values),
        "split",
        "Split",
        show=lambda operation, effect: _picture(dataset, operation, effect),
    )


def _picture(dataset: DatasetRecord, operation: Split, effect: Effect) -> None:
    """Bars of both parts: all examples, then by output or group."""
    preview = dataset_edits.split_preview(dataset.id, operation)
    total = max(1, effect.train + effect.validation)
    labels = [f"All ({percent(effect.validation / total)})"]
    labels += [short(bar.label, 28) or "(empty)" for bar in preview.bars]
    train = [effect.train, *(bar.train for bar in preview.bars)]
    held = [effect.validation, *(bar.validation for bar in preview.bars)]
    shares = [part / max(1, part + other) for part, other in zip(held, train, strict=True)]
    fig = go.Figure(
        [
            go.Bar(
                y=labels,
                x=[100 * (1 - share) for share in shares],
                name="Training",
                orientation="h",
                marker_color=charts.BASE,
                customdata=train,
                hovertemplate="%{customdata:,} for training<extra></extra>",
            ),
            go.Bar(
                y=labels,
                x=[100 * share for share in shares],
                name="Held out",
                orientation="h",
                marker_color=charts.TUNED,
                customdata=held,
                text=[number(count) for count in held],
                textposition="inside",
                textangle=0,
                constraintext="none",
                textfont={"size": 11},
                insidetextanchor="end",
                hovertemplate="%{customdata:,} held out<extra></extra>",
            ),
        ]
    )
    fig.update_layout(barmode="stack", legend_traceorder="normal")
    fig.update_yaxes(autorange="reversed", type="category", dtick=1)
    fig.update_xaxes(range=[0, 100], ticksuffix="%")
    charts.chart(
        fig,
        key="split_picture",
        alt=f"Training {effect.train:,}, held out {effect.validation:,}; share held out per group as bars.",
        height=80 + 26 * len(labels),
    )
    if preview.note:
        st.caption(sentence(preview.note))
