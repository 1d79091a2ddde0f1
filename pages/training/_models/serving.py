"""What the inference process does now, on the screen of all models.

While it answers, the panel is drawn again every two seconds. When it is quiet, only a look at it is taken, and the
screen is drawn again once it answers. After ten minutes without a token nothing is asked any more.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.serving import live
from core.services.serving.live import ServingFigures
from pages.ui import components
from pages.ui.components import Tile
from pages.ui.errors import boundary
from pages.ui.format import duration, md, number, plural, size

BUSY_POLL_S: Final = 2.0
QUIET_POLL_S: Final = 10.0
MOST_LOADED: Final = 8


def section() -> None:
    """The panel; nothing where the process does not respond."""
    found = live.figures()
    if found is None:
        return
    components.section_gap()
    st.fragment(run_every=BUSY_POLL_S if found.is_busy else None)(_panel)([found], found.is_busy)
    if found.is_quiet:
        st.fragment(run_every=QUIET_POLL_S)(_watch)([True])


def _watch(first: list[bool]) -> None:
    """Draw the screen again once the process answers. `first` is empty after the full run, which has just asked."""
    if first:
        first.clear()
        return
    with boundary():
        found = live.figures()
        if found is None or found.is_busy:
            st.rerun()


def _panel(first: list[ServingFigures], busy: bool) -> None:
    """The fragment. `first` holds what the full run has read, and is empty afterwards."""
    with st.container(key="live_serving", gap="small"), boundary():
        found = first.pop() if first else live.figures()
        if found is None or found.is_busy != busy:
            st.rerun()
        components.heading("Serving now", _since(found))
        components.tiles([
            Tile("Open answers", number(found.open), note=f"{number(found.waiting)} waiting" if found.waiting else None,
                 help="Answers that are being generated or wait, over Chat, Compare and the API."),
            Tile("Tokens per second", number(round(found.tokens_per_s)),
                 help="Over all open answers, in those of the last 10 seconds in which there were tokens."),
            Tile("Answered", number(found.answered), help="Completed answers since the inference process began."),
            Tile("Memory", size(found.memory_bytes), help="Of the inference process, with the models in it."),
        ], key="serving_tiles")  # fmt: skip
        st.caption(_loaded(found))


def _since(found: ServingFigures) -> str:
    if found.open:
        return "Answering"
    return "No answer yet" if found.idle_s is None else f"Last answer {duration(found.idle_s)} ago"


def _loaded(found: ServingFigures) -> str:
    if not found.loaded:
        return "No model is in memory: the first answer loads its model."
    more = len(found.loaded) - MOST_LOADED
    names = ", ".join(md(title, 40) for title in found.loaded[:MOST_LOADED])
    others = f" and {plural(more, 'other model')}" if more > 0 else ""
    return f"In memory: {names}{others}"
