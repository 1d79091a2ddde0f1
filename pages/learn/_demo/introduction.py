"""What the demo does, its sample and its model, before the first curve shows."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.learn.demo import SampleDataset
from pages.ui import components
from pages.ui.format import md


def explain() -> None:
    """The sample, the model and the honest words, before anything starts."""
    sample = demo.sample()
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("What happens")
        with st.container(border=True, gap="small"):
            for icon, title, text in (
                (
                    "dataset",
                    f"{len(sample.train)} labeled examples",
                    f"{sample.description} A sample that comes with the "
                    f"studio; {len(sample.validation)} reworded questions are held out.",
                ),
                (
                    "deployed_code",
                    "A small model is built",
                    "The starter: made on this machine in about a minute, once.",
                ),
                ("model_training", "It is fine-tuned", "With LoRA, for real. You watch the loss fall."),
                (
                    "compare_arrows",
                    "Base and tuned answer",
                    "The same questions to both, side by side, with the count of exact answers.",
                ),
            ):
                with st.container(horizontal=True, gap="small", wrap=False):
                    st.markdown(f":gray[:material/{icon}:]", width="content")
                    with st.container(gap=None):
                        st.markdown(f"**{md(title)}**")
                        st.caption(md(text))
        st.caption("It takes a few minutes on an ordinary laptop. You can leave this page and come back.")
    with side:
        _example(sample)
        about_starter()


def meanwhile() -> None:
    """What there is to read until the first curve shows."""
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        _example(demo.sample())
    with right:
        components.heading("Meanwhile")
        about_starter()


def about_starter() -> None:
    """The honest words about the base model of the demo."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**About the starter**")
        st.caption(
            "A small Llama-style model that is built on this machine, once. It knows little until it is taught. "
            "It shows how fine-tuning works, not how clever a large model is."
        )


def _example(sample: SampleDataset) -> None:
    components.heading("One of the examples", "The model learns to answer like this")
    first = sample.train[0].messages
    given, wanted = (next(m.content for m in first if m.role == role) for role in ("user", "assistant"))
    components.pair(given, wanted, key="sample")
