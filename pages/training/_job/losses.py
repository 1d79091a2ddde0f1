"""How well each example was learnt: the spread of the losses, and the worst and best examples with the way to them.

Examples that were trained on and examples that were held out have lists of their own: a high loss means another thing.
"""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.training import monitoring
from pages.ui import components, navigation
from pages.ui.charts import BASE, TUNED, chart
from pages.ui.examples import example_view
from pages.ui.format import format_loss, md, plural


def panel(model_id: str) -> None:
    """The examples of a finished run by their loss; nothing for a model of an earlier release."""
    found = monitoring.example_losses(model_id)
    if found is None:
        return
    components.section_gap()
    part = "" if found.measured >= found.examples else f" of {found.examples:,}, drawn at random"
    components.heading("Loss by example", f"{plural(found.measured, 'example')}{part} under the finished model")
    with st.container(border=True, gap="small", key="example_losses"):
        chart(
            _figure(found),
            key="loss_bins",
            height=200,
            x="Loss of the example",
            y="Examples",
            alt=f"Histogram of the loss of {found.measured} examples. {_halves(found)}",
        )
        st.caption(_halves(found))
    if not (found.worst or found.held_out):
        st.caption("The dataset version that this run learnt from is gone, so its examples cannot be shown.")
        return
    if not found.is_current:
        st.caption(
            f":material/history: This run learnt version {found.version_number} of the dataset, which has been changed "
            "since. An example opens where it stands now."
        )
    lists = [(name, key, text, items) for name, key, text, items in _lists(found) if items]
    tabs = st.tabs([name for name, _, _, _ in lists], key="loss_lists")
    for tab, (_, key, text, items) in zip(tabs, lists, strict=True):
        with tab:
            st.caption(text)
            with st.grid(2, min_column_width=320):
                for item in items:
                    _card(found, item, key)


def _halves(found: monitoring.ExampleLosses) -> str:
    """`Half of the trained examples lie below 0.021, half of the held-out ones below 3.416.`"""
    medians = (("trained examples lie", found.median_trained), ("held-out ones", found.median_held_out))
    said = [f"half of the {name} below {format_loss(value)}" for name, value in medians if value is not None]
    return f"{', '.join(said).capitalize()}."


def _lists(found: monitoring.ExampleLosses) -> tuple[tuple[str, str, str, tuple[monitoring.LossExample, ...]], ...]:
    """(tab, key, what a high or low loss means there, examples)."""
    return (
        (
            "Likely mistakes",
            "worst",
            "Trained on, and still the worst learnt. Often a wrong output, two outputs for one input, or a slip in the "
            "text: mend it in the dataset, then train again.",
            found.worst,
        ),
        (
            "Does not generalize",
            "held",
            "Held out from training, and the furthest from what was learnt. Nothing need be wrong with them: the model "
            "has seen too little that is like them. More examples of their kind help.",
            found.held_out,
        ),
        ("Best learnt", "best", "Trained on, and said with the least doubt.", found.best),
    )


def _figure(found: monitoring.ExampleLosses) -> go.Figure:
    middles = [(low + high) / 2 for low, high, _, _ in found.bins]
    fig = go.Figure()
    fig.add_bar(x=middles, y=[train for _, _, train, _ in found.bins], name="Trained on", marker_color=BASE)
    if any(held for _, _, _, held in found.bins):
        fig.add_bar(x=middles, y=[held for _, _, _, held in found.bins], name="Held out", marker_color=TUNED)
    fig.update_layout(barmode="stack")
    return fig


def _card(found: monitoring.ExampleLosses, item: monitoring.LossExample, key: str) -> None:
    right = f"{100 * item.accuracy:.0f}% of {plural(item.tokens, 'token')} right"
    with example_view.card(
        item.example.messages,
        key=f"loss_{key}_{item.position}",
        note=f"Example {item.position + 1:,} · loss {format_loss(item.loss)} · {right}",
        limit=400,
    ):
        if st.button(
            "Open in the dataset", icon=":material/dataset:", type="tertiary", key=f"open_{key}_{item.position}"
        ):
            _open(found, item)


def _open(found: monitoring.ExampleLosses, item: monitoring.LossExample) -> None:
    place = monitoring.locate(found.dataset_id, item.example, item.position)
    if place is None:
        st.toast(md("This example is no longer in the dataset: it was edited or dropped since."))
        return
    st.switch_page(navigation.page_file("datasets"), query_params={"id": found.dataset_id, "example": str(place)})
