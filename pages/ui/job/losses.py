"""How well each example was learnt: the spread of the losses, and the worst and best examples with the way to them."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.services import monitoring
from pages.ui import example_parts, face, frame
from pages.ui.charts import BASE, TUNED, chart
from pages.ui.format import md, plural
from pages.ui.job import words as job_words


def panel(model_id: str) -> None:
    """The examples of a finished run by their loss; nothing for a model of an earlier release."""
    found = monitoring.example_losses(model_id)
    if found is None:
        return
    face.section_gap()
    part = "" if found.measured >= found.examples else f" of {found.examples:,}, drawn at random"
    face.heading("Loss by example", f"{plural(found.measured, 'example')}{part} under the finished model")
    with st.container(border=True, gap="small", key="example_losses"):
        chart(
            _figure(found),
            key="loss_bins",
            height=200,
            x="Loss of the example",
            y="Examples",
            alt=f"Histogram of the loss of {found.measured} examples; half of them lie below {found.median:.3f}.",
        )
        st.caption(
            f"Half of the examples lie below {job_words.loss(found.median)}. A high loss often marks a mistake: "
            "a wrong output, two outputs for one input, a slip in the text. Mend it in the dataset, then train again."
        )
    if not found.worst:
        st.caption("The dataset version that this run learnt from is gone, so its examples cannot be shown.")
        return
    if not found.is_current:
        st.caption(
            f":material/history: This run learnt version {found.version_number} of the dataset, which has been changed "
            "since. An example opens where it stands now."
        )
    lists = {"Worst learnt": found.worst} | ({"Best learnt": found.best} if found.best else {})
    for tab, (name, items) in zip(st.tabs(list(lists), key="loss_lists"), lists.items(), strict=True):
        with tab, st.grid(2, min_column_width=320):
            for item in items:
                _card(found, item, name)


def _figure(found: monitoring.ExampleLosses) -> go.Figure:
    middles = [(low + high) / 2 for low, high, _, _ in found.bins]
    fig = go.Figure()
    fig.add_bar(x=middles, y=[train for _, _, train, _ in found.bins], name="Trained on", marker_color=BASE)
    if any(held for _, _, _, held in found.bins):
        fig.add_bar(x=middles, y=[held for _, _, _, held in found.bins], name="Held out", marker_color=TUNED)
    fig.update_layout(barmode="stack")
    return fig


def _card(found: monitoring.ExampleLosses, item: monitoring.LossExample, name: str) -> None:
    held = face.badge_md("Held out") if item.split == "validation" else ""
    right = f"{100 * item.accuracy:.0f}% of {plural(item.tokens, 'token')} right"
    with example_parts.card(
        item.example.messages,
        key=f"loss_{name.split()[0].lower()}_{item.position}",
        note=f"Example {item.position + 1:,} · loss {job_words.loss(item.loss)} · {right}",
        badge=held,
        limit=400,
    ):
        key = f"open_{name.split()[0].lower()}_{item.position}"
        if st.button("Open in the dataset", icon=":material/dataset:", type="tertiary", key=key):
            _open(found, item)


def _open(found: monitoring.ExampleLosses, item: Any) -> None:
    place = monitoring.locate(found.dataset_id, item.example, item.position)
    if place is None:
        st.toast(md("This example is no longer in the dataset: it was edited or dropped since."))
        return
    st.switch_page(frame.page_file("datasets"), query_params={"id": found.dataset_id, "example": str(place)})
