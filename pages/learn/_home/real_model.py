"""The part of Home about a real base model: recommended where it is on this machine, offered where it is not."""

from __future__ import annotations

import streamlit as st

from core.services.training.choices import BaseModelRef
from pages.ui import base_offer, components, navigation
from pages.ui.format import md


def real_model(base: BaseModelRef) -> None:
    """What it is, and the next step: download it, or start a job with it. Nothing is downloaded without a click."""
    components.heading("A real language model", "Optional")
    with st.container(border=True, gap="small", key="real_model"):
        with components.spread(gap="small"):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**:blue[:material/deployed_code:] {md(base.title)}**")
                st.caption(md(_words(base)))
            if base.ready:
                navigation.button("Start Training Job", "new_job", key="real_model_job")
        if not base.ready:
            base_offer.sources(base)
            base_offer.status(base)


def _words(base: BaseModelRef) -> str:
    facts = f"{base.size} parameters, {base.license}."
    if base.ready:
        return f"On this machine and recommended for your first job. {facts} {base.note}"
    return (
        "It writes fluent English before any training; the starter model only shows how the studio works. "
        f"{facts} Once downloaded, it is used offline."
    )
