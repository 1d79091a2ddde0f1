"""What the demo does, its sample and its model, before the first curve shows."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.learn.demo import SampleDataset
from pages.ui import components
from pages.ui.format import md


def explain() -> None:
    """The sample, the model and what to expect, before anything starts."""
    sample = demo.sample()
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("What happens")
        with st.container(border=True, gap="small"):
            for icon, title, text in (
                (
                    "dataset",
                    f"{len(sample.train)} labeled examples",
                    f"{sample.description} The sample is part of the studio; "
                    f"{len(sample.validation)} reworded questions are held out.",
                ),
                (
                    "deployed_code",
                    "A small model is built",
                    "The starter model, built once on this machine in about a minute.",
                ),
                ("model_training", "It is fine-tuned", "With LoRA, in a real training run. You see the loss fall."),
                (
                    "compare_arrows",
                    "Base and tuned answer",
                    "Both answer the same questions side by side, and exact matches are counted.",
                ),
            ):
                with st.container(horizontal=True, gap="small", wrap=False):
                    st.markdown(f":gray[:material/{icon}:]", width="content")
                    with st.container(gap=None):
                        st.markdown(f"**{md(title)}**")
                        st.caption(md(text))
        st.caption("The demo takes a few minutes on a laptop. You can leave this page and come back.")
    with side:
        _example(sample)
        about_starter()


def while_waiting() -> None:
    """What to read until the first curve appears."""
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        _example(demo.sample())
    with right:
        components.heading("While you wait")
        about_starter()


def about_starter() -> None:
    """What the starter model can and cannot show."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**About the starter model**")
        st.caption(
            "A small Llama-style model, built once on this machine. It knows very little before training. It shows how "
            "fine-tuning works, not what a large model can do."
        )


def _example(sample: SampleDataset) -> None:
    components.heading("One of the examples", "The model learns to answer like this")
    first = sample.train[0].messages
    question, answer = (next(m.content for m in first if m.role == role) for role in ("user", "assistant"))
    components.pair(question, answer, key="sample")
