"""Step 1 of Convert data: a file, a sample to try, or a draft."""

from __future__ import annotations

import streamlit as st

from core.services.data import sources
from core.services.data.sources import samples
from pages.data._convert.draft import IDS, begin
from pages.data._shared.drafts import unfinished
from pages.data._shared.uploads import drop_zone, from_this_server
from pages.ui import components


def begin_step() -> None:
    """Draw the step: the drop zone, the samples, the drafts."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Your table", f"{sources.format_labels()}, up to 100 MB")
        stored = drop_zone("convert", "Any table") or from_this_server("convert")
        if stored is not None:
            begin(stored.id)
        components.section_gap()
        components.heading("No table at hand?", "files to try")
        _samples()
    with side:
        unfinished("convert", IDS, "A conversion that you leave halfway is saved here, with its file and all choices.")


def _samples() -> None:
    with st.grid(3, min_column_width=150):
        for sample in samples.tables():
            with st.container(
                border=True,
                height="stretch",
                vertical_alignment="distribute",
                gap="xsmall",
                key=f"card_sample_{sample.filename.partition('.')[0]}",
            ):
                with st.container(gap="xxsmall"):
                    st.markdown(f"**:blue[:material/{sample.icon}:] {sample.title}**")
                    st.caption(sample.text)
                if st.button("Try it", key=f"use_{sample.filename.partition('.')[0]}"):
                    begin(samples.ingest_table(sample.filename).id)
