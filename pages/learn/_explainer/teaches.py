"""Explainer: what fine-tuning teaches and what it does not, measured by this studio's own demos of two samples."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.serving.evaluating import BaseAndTuned
from pages.ui import components, navigation
from pages.ui.components import Tile
from pages.ui.format import md, sentence

_SAMPLES = {
    "tickets": (
        "Decisions and form",
        "Each ticket becomes a JSON object with a team, an urgency and a product. The output follows from the input, "
        "so the model can learn the rule and apply it to tickets that it never saw.",
    ),
    "support": (
        "Facts",
        "Each question has a fixed answer, such as the price of shipping. It follows from nothing in the question, so "
        "the model can only memorize it, and a small model finds it by the words of the question.",
    ),
}
_FACTS = {
    "train": ("As trained", "Exact answers to the questions that it was trained on."),
    "validation": ("In other words", "Exact answers to these questions, reworded."),
}
_ADVICE = (
    ("Fine-tune", "The form of the answer, the tone, the choice among options, the steps of a task, technical terms."),
    ("Retrieve", "Prices, policies, names, dates: put the current ones into the prompt, and cite them."),
)


def teaches() -> None:
    """Both samples side by side, each with what the newest demo of it measured."""
    st.markdown(
        "Fine-tuning is good at **what can be derived from the input**: a form, a style, a decision. It is a poor way "
        "to store **facts**. The two samples of the studio show the difference."
    )
    with st.grid(2, min_column_width=320):
        for sample_id, (title, text) in _SAMPLES.items():
            with st.container(border=True, height="stretch", gap="small", key=f"teaches_{sample_id}"):
                st.markdown(f"**{title}: {md(demo.sample(sample_id).title)}**")
                st.caption(text)
                _measured(sample_id)
    with st.grid(2, min_column_width=320):
        for title, text in _ADVICE:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.markdown(f"**{title}**")
                st.markdown(f":gray[{text}]")


def _measured(sample_id: str) -> None:
    """The figures of the newest demo of a sample; else how far it is, or an offer to run it."""
    record = demo.newest_result(sample_id) or demo.newest(sample_id)
    if record is None or record.state == "failed":
        st.caption("Not measured in this studio yet. The base is the starter.")
        if st.button("Measure it here", icon=":material/play_arrow:", key=f"measure_{sample_id}"):
            navigation.go("demo", {"id": demo.start(sample_id=sample_id).id})
        return
    if record.tested:
        components.tiles(_tiles(record))
    else:
        step = next((step for step in record.steps if step.state == "running"), record.steps[0])
        st.caption(sentence(f"Running: {step.title}. {step.detail}"))
    st.page_link(
        navigation.page_file("demo"),
        label=md(f"Demo with {record.base_title}"),
        icon=":material/play_circle:",
        query_params={"id": record.id},
    )


def _tiles(record: demo.DemoRecord) -> list[Tile]:
    by_part = {part.part: part.figures[-1] for part in record.report if part.figures}  # the strictest figure
    if record.by_split:
        return [_tile(title, by_part[part], text) for part, (title, text) in _FACTS.items() if part in by_part]
    titles = ("Unseen tickets", "In unseen wordings")
    return [
        _tile(title, figure, f"All fields right, of {figure.tuned.total}.")
        for title, figure in zip(titles, by_part.values(), strict=False)
    ]


def _tile(label: str, figure: BaseAndTuned, text: str) -> Tile:
    return Tile(label, figure.tuned.text, note=f"base {figure.base.text}", help=text)
