"""The conversations with agents and models: searched by what was said, filtered, opened in Chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.services.serving.recorded import talks
from core.services.serving.recorded.talks import TalkRecord
from pages.ui import components, listing
from pages.ui.format import ago, md, plural
from pages.ui.theme import Color

_MARKS: Final[dict[str, tuple[Color, str]]] = {
    talks.GOOD: ("green", "thumb_up"),
    talks.BAD: ("red", "thumb_down"),
    talks.MIXED: ("orange", "thumbs_up_down"),
}


def section() -> None:
    """The list; a sentence where there is nothing yet."""
    if not listing.show(SCREEN).every:
        components.empty(
            "forum",
            "No conversation yet",
            "Conversations of Chat appear here, and those of programs whose API key records them.",
            "Chat",
            "no_talks",
            primary=False,
            opens="chat",
        )


def _row(talk: TalkRecord) -> None:
    listing.opener(talk.id, talk.title, "chat", {"conversation": talk.id})
    with components.spread(gap="xsmall"):
        parts = [md(talk.agent or talk.model, 60), plural(talk.turns, "message"), ago(talk.updated_at)]
        st.caption(" · ".join(part for part in parts if part), width="content")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            if talk.key:
                st.badge(md(talk.key, 40), icon=":material/key:", color="gray")
            if talk.rating in _MARKS:
                color, icon = _MARKS[talk.rating]
                st.badge(talks.rating_word(talk.rating), icon=f":material/{icon}:", color=color)


def _none(_: Sequence[str]) -> int:
    return 0


SCREEN: Final = listing.ListScreen(
    noun="talk",
    title="conversation",
    listing=talks.LISTING,
    look_up=talks.look_up,
    draw=_row,
    archive=_none,
    restore=_none,
    name=lambda talk: talk.title,
    read_only=True,
)
