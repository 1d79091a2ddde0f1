"""What the demo does, its sample and its model, before the first curve shows."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo, demo_time
from core.services.learn.demo import SampleDataset
from pages.ui import base_offer, components
from pages.ui.format import duration, md, sentence

_ABOUT = {
    demo.STARTER: "Small, and built on this machine. It knows very little before training.",
    demo.REAL: "A real pretrained model with 135 million parameters. The demo takes longer.",
}
_TESTS = {
    "facts": "Both answer what was taught and the same questions in other words; exact matches are counted.",
    "decisions": "Both answer tickets that the training never saw, half of them in wordings that it never saw either. "
    "Every field of every answer is checked.",
}


def explain() -> str:
    """The base, the sample and what to expect, before anything starts. Returns the base to tune; "" if it is away."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        base_id, ready = _base()
        sample = demo.sample(demo.SAMPLE)
        components.section_gap()
        components.heading("What happens")
        with st.container(border=True, gap="small"):
            for icon, title, text in (
                ("dataset", sample.size_text, f"{sample.description} Part of the studio."),
                (
                    "model_training",
                    "The base is fine-tuned",
                    "With LoRA, in a real run. You see the loss fall.",
                ),
                ("compare_arrows", "Base and tuned answer", _TESTS[sample.teaches]),
            ):
                with st.container(horizontal=True, gap="small", wrap=False):
                    st.markdown(f":gray[:material/{icon}:]", width="content")
                    with st.container(gap=None):
                        st.markdown(f"**{md(title)}**")
                        st.caption(md(text))
        st.caption("You can leave this page and come back.")
    with side:
        _example(sample)
    return base_id if ready else ""


def _base() -> tuple[str, bool]:
    """The chosen base model, and whether it can be tuned now."""
    components.heading("Base model")
    bases = {base.id: base for base in demo.bases()}
    chosen = str(
        st.radio(
            "Base model",
            list(bases),
            format_func=lambda base_id: md(bases[base_id].title),
            captions=[_ABOUT[base_id] for base_id in bases],
            label_visibility="collapsed",
            key="demo_base",
        )
    )
    base = bases[chosen]
    ready = base.ready or base.buildable
    if not ready:
        with st.container(border=True, gap="small", key="demo_fetch"):
            st.caption(sentence(base.reason))
            base_offer.sources(base)
            base_offer.status(base)
    return chosen, ready


def how_long(base_model: str) -> str:
    """The expected time on this machine."""
    time = demo_time.expected(base_model)
    source = "as it took before" if time.measured else "estimated from its processor"
    return f"About {duration(time.total_s)} on this machine, {source}"


def _example(sample: SampleDataset) -> None:
    components.heading("One of the examples", "The model learns to answer like this")
    first = sample.train[0].messages
    question, answer = (next(m.content for m in first if m.role == role) for role in ("user", "assistant"))
    components.pair(question, answer, key="sample")
