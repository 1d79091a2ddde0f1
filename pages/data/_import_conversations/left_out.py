"""The messages of a log that are not in an example, counted by reason."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.services.data.chat_import import NOTES, REASONS
from pages.ui import components
from pages.ui.format import number


def reasons(left: Mapping[str, int], key: str) -> None:
    """Left-out messages by reason, the most frequent first."""
    with st.container(border=True, gap="xsmall", key=f"left_{key}"):
        if not left:
            st.caption("Every message of the log is used.")
        for reason, count in components.divided(left.items()):
            explained = REASONS[reason]
            with st.container(horizontal=True, horizontal_alignment="distribute", wrap=False, gap="small"):
                with st.container(gap=None, width="stretch"):
                    st.markdown(explained.title)
                    st.caption(explained.text)
                st.markdown(f"**{number(count)}**", width="content")


def notes(counts: Mapping[str, int]) -> None:
    """What the imported messages lost, such as attachments."""
    for note, count in counts.items():
        st.caption(f":material/info: {number(count)} {NOTES.get(note, note)}.")
