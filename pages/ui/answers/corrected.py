"""An answer beside its correction, with the words that differ marked."""

from __future__ import annotations

import streamlit as st

from pages.ui.examples import word_diff


def compared(answer: str, correction: str, *, key: str) -> None:
    """Both texts, side by side where there is room."""
    sides = (("ANSWER", "diff-old", answer, correction), (":blue[CORRECTION]", "diff-new", correction, answer))
    with st.grid(2, min_column_width=260, key=f"compared_{key}"):
        for title, kind, text, other in sides:
            with st.container(gap="xxsmall"):
                st.caption(title)
                # `marked` escapes both texts
                st.html(f'<div class="shown {kind}" dir="auto">{word_diff.marked(text, other) or "(empty)"}</div>')
