"""The first view of Upload: the format panel, the drop zone, a sample to try."""

from __future__ import annotations

import streamlit as st

from core.services.data import conversion, sources
from core.services.data.sources import SourceRecord, samples
from pages.data._shared.uploads import drop_zone, from_this_server
from pages.ui import components

_EXAMPLE = """{"messages": [
  {"role": "system",
   "content": "You are the help desk of a shop."},
  {"role": "user",
   "content": "What's the refund policy?"},
  {"role": "assistant",
   "content": "We offer a 30-day guarantee..."}
]}"""
_WAYS = (
    ("verified", "Labeled examples", "Chats, question and answer, prompt and completion become a dataset right away."),
    ("transform", "Any other table", "You choose the input and the output column in Convert data, with the same file."),
    ("fact_check", "Every row is checked", "Rows that cannot be used are listed with line and reason."),
)


def format_panel() -> None:
    """The format of a labeled example and the meaning of the roles."""
    components.heading("Supervised Learning Format")
    with st.container(border=True, gap="small"):
        st.markdown("Each example shows: **INPUT** (user question) → :blue[**OUTPUT**] (desired response)")
        st.code(_EXAMPLE, language="json", wrap_lines=True)
        st.caption("A JSONL file has one example per line.")
        st.divider()
        st.markdown(f"{components.badge_md('user')} **Inputs**: what you want to handle")
        st.markdown(f"{components.badge_md('assistant', 'blue')} **Outputs**: how you want to respond")
        st.markdown(f"{components.badge_md('system')} **Context and instructions** for the model")
        st.divider()
        st.markdown("Best for prepared labeled datasets. Each example: question + desired answer.")
        st.caption("Minimum 10 labeled examples required, 50 or more recommended, 100 to 1,000 better.")
    with st.expander("Other supported formats", icon=":material/category:"):
        for shape in conversion.known_shapes():
            name = f"`{', '.join(shape.required)}`" if shape.required else shape.title
            st.markdown(f"{name} :gray[{shape.text}]")
        st.caption("Any other table works too: the next step asks which column is which.")


def choose_file() -> None:
    """Draw the drop zone, the sample, and what happens to a file."""
    components.heading("Your file", f"{sources.format_labels()}, up to 100 MB")
    stored = drop_zone("upload", "Labeled examples") or from_this_server("upload")
    if stored is not None:
        _open(stored)
    with components.spread(border=True, key="card_sample"):
        with st.container(gap=None, width="stretch"):
            st.markdown("**No file at hand?**")
            st.caption("Try the help desk of a fictional shop: customer questions with the right answers.")
        if st.button("Use the sample file", icon=":material/description:", key="use_sample"):
            _open(samples.ingest_chats())
    components.section_gap()
    components.heading("What happens next")
    with st.grid(3, min_column_width=180):
        for icon, title, text in _WAYS:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.markdown(f"**:blue[:material/{icon}:] {title}**")
                st.caption(text)


def _open(source: SourceRecord) -> None:
    st.session_state.pop(f"import_of_{source.id}", None)
    st.query_params["source"] = source.id
    st.rerun()
