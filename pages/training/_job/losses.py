"""How well each example was learned: a histogram of the losses, and the worst and best examples.

Training examples and held-out examples have separate lists, because a high loss means something else for each.
"""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.training import monitoring
from pages.ui import components, navigation
from pages.ui.charts import BASE, TUNED, chart
from pages.ui.examples import example_view
from pages.ui.format import format_loss, md, plural

NO_MISTAKES = "None: the model answers every training example right, or with a loss near the usual one."


def panel(model_id: str) -> None:
    """The examples of a finished run by their loss; nothing for models of earlier releases."""
    found = monitoring.example_losses(model_id)
    if found is None:
        return
    components.section_gap()
    part = "" if found.measured >= found.examples else f" of {found.examples:,}, sampled at random"
    components.heading("Loss by example", f"{plural(found.measured, 'example')}{part} with the finished model")
    with st.container(border=True, gap="small", key="example_losses"):
        chart(
            _figure(found),
            key="loss_bins",
            height=200,
            x="Loss of the example",
            y="Examples",
            alt=f"Histogram of the loss of {found.measured} examples. {_medians(found)}",
        )
        st.caption(_medians(found))
    if not found.version_number:
        st.caption("The dataset version this run was trained on was deleted, so its examples cannot be shown.")
        return
    if not found.is_current:
        st.caption(
            f":material/history: This run was trained on version {found.version_number} of the dataset, which has "
            "changed since. An example opens in the current version."
        )
    lists = [(name, key, text, items) for name, key, text, items in _lists(found) if items or key == "worst"]
    tabs = st.tabs([name for name, _, _, _ in lists], key="loss_lists")
    for tab, (_, key, text, items) in zip(tabs, lists, strict=True):
        with tab:
            st.caption(text if items else NO_MISTAKES)
            with st.grid(2, min_column_width=320):
                for item in items:
                    _card(found, item, key)


def _medians(found: monitoring.ExampleLosses) -> str:
    """`Median loss: 0.021 on training examples, 3.416 on held-out examples.`"""
    medians = (("training examples", found.median_trained), ("held-out examples", found.median_held_out))
    parts = [f"{format_loss(value)} on {name}" for name, value in medians if value is not None]
    return f"Median loss: {', '.join(parts)}."


def _lists(found: monitoring.ExampleLosses) -> tuple[tuple[str, str, str, tuple[monitoring.LossExample, ...]], ...]:
    """(tab, key, what the loss means there, examples)."""
    return (
        (
            "Likely mistakes",
            "worst",
            "Training examples that the model still gets wrong, with a loss clearly above the usual one. Often a wrong "
            "output, two outputs for one input, or a typo: fix it in the dataset, then train again.",
            found.worst,
        ),
        (
            "Does not generalize",
            "held",
            "Held-out examples with the highest loss. They need not be wrong: the model has seen too few examples like "
            "them. More examples of the same kind help.",
            found.held_out,
        ),
        ("Learned best", "best", "Lowest training loss.", found.best),
    )


def _figure(found: monitoring.ExampleLosses) -> go.Figure:
    middles = [(low + high) / 2 for low, high, _, _ in found.bins]
    fig = go.Figure()
    fig.add_bar(x=middles, y=[train for _, _, train, _ in found.bins], name="Training", marker_color=BASE)
    if any(held for _, _, _, held in found.bins):
        fig.add_bar(x=middles, y=[held for _, _, _, held in found.bins], name="Held-out", marker_color=TUNED)
    fig.update_layout(barmode="stack")
    fig.update_xaxes(exponentformat="e")  # plotly would write a ten-thousandth as 100µ
    return fig


def _card(found: monitoring.ExampleLosses, item: monitoring.LossExample, key: str) -> None:
    correct = f"{100 * item.accuracy:.0f}% of {plural(item.tokens, 'token')} correct"
    with example_view.card(
        item.example.messages,
        key=f"loss_{key}_{item.position}",
        note=f"Example {item.position + 1:,} · loss {format_loss(item.loss)} · {correct}",
        limit=400,
    ):
        if st.button(
            "Open in the dataset", icon=":material/dataset:", type="tertiary", key=f"open_{key}_{item.position}"
        ):
            _open(found, item)


def _open(found: monitoring.ExampleLosses, item: monitoring.LossExample) -> None:
    place = monitoring.locate(found.dataset_id, item.example, item.position)
    if place is None:
        st.toast(md("This example is no longer in the dataset: it was edited or removed."))
        return
    navigation.go("datasets", {"id": found.dataset_id, "example": str(place)})
