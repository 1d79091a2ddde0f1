"""Messages of a log that are in no example: how many, for which reason."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.services.data.chat_import import NOTES, REASONS
from pages.ui.format import number


def reasons(left: Mapping[str, int], key: str) -> None:
    """Messages that are not used: how many for which reason, the most frequent first."""
    with st.container(border=True, gap="xsmall", key=f"left_{key}"):
        if not left:
            st.caption("Every message of the log is used.")
        for index, (reason, count) in enumerate(left.items()):
            if index:
                st.divider()
            told = REASONS[reason]
            with st.container(horizontal=True, horizontal_alignment="distribute", wrap=False, gap="small"):
                with st.container(gap=None, width="stretch"):
                    st.markdown(told.title)
                    st.caption(told.text)
                st.markdown(f"**{number(count)}**", width="content")


def notes(found: Mapping[str, int]) -> None:
    """What the kept messages lost on the way."""
    for note, count in found.items():
        st.caption(f":material/info: {number(count)} {NOTES.get(note, note)}.")
