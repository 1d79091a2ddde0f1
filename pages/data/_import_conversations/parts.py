"""What the steps of importing conversations share: messages shown safely, and what was left out with its reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.data.chat_logs import NOTES, REASONS
from pages.ui.format import number, short
from pages.ui.neutral import visible

_WORDS = {"system": ("CONTEXT", "gray"), "user": ("INPUT", "gray"), "assistant": ("OUTPUT", "blue")}
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z ]{2,20}\]")


def messages(items: Sequence[Any], limit: int = 900) -> None:
    """A conversation, every message under its role; strangers' text is shown verbatim and can play no tricks."""
    for message in items:
        word, color = _WORDS.get(message.role, (message.role.upper(), "gray"))
        st.markdown(f":small[:{color}[{word}]]")
        st.text(short(visible(message.content), limit) or "(empty)")


def placeholders(items: Sequence[Any]) -> dict[str, int]:
    """Which placeholders stand in an example, and how often."""
    found: dict[str, int] = {}
    for message in items:
        for word in _PLACEHOLDER.findall(message.content):
            found[word] = found.get(word, 0) + 1
    return found


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
