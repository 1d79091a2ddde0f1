"""What the demo does, its sample and its model, before the first curve shows."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.learn.demo import SampleDataset
from pages.ui import components
from pages.ui.format import md, sentence


def explain() -> str:
    """The sample, the model and what to expect, before anything starts. Returns the base to tune; "" if it is away."""
    sample = demo.sample()
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("What happens")
        with st.container(border=True, gap="small"):
            for icon, title, text in (
                ("dataset", f"{len(sample.train)} labeled examples", f"{sample.description} Part of the studio."),
                ("deployed_code", "A base model", "Chosen below. It has never seen the task."),
                ("model_training", "It is fine-tuned", "With LoRA, in a real training run. You see the loss fall."),
                (
                    "compare_arrows",
                    f"Base and tuned answer {len(sample.test)} unseen tickets",
                    "Half of them in wordings from the training, half in wordings that it never saw. Every field of "
                    "every answer is checked.",
                ),
            ):
                with st.container(horizontal=True, gap="small", wrap=False):
                    st.markdown(f":gray[:material/{icon}:]", width="content")
                    with st.container(gap=None):
                        st.markdown(f"**{md(title)}**")
                        st.caption(md(text))
        base_model = _base()
        st.caption("You can leave this page and come back.")
    with side:
        _example(sample)
    return base_model


def _base() -> str:
    """The choice of the base model; "" if the chosen one is not on this machine."""
    components.heading("Base model")
    bases = {base.id: base for base in demo.bases()}
    texts = {base_id: _about(base_id) for base_id in bases}
    chosen = st.radio(
        "Base model",
        list(bases),
        format_func=lambda base_id: md(bases[base_id].title),
        captions=list(texts.values()),
        label_visibility="collapsed",
        key="demo_base",
    )
    base = bases[chosen]
    if base.ready or base.buildable:
        return str(chosen)
    st.info(sentence(base.reason), icon=":material/download:")
    return ""


def _about(base_id: str) -> str:
    if base_id == demo.STARTER:
        return (
            "Built on this machine in about a minute. It knows very little; the demo takes a few minutes on a laptop."
        )
    return "A real pretrained model with 135 million parameters. It recognizes more, and the demo takes longer."


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
