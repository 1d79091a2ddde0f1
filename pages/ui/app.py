"""What surrounds every screen: page icon, logo, style sheets, the toasts for finished work, and the bell."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.platform import news, places, running, tasks
from pages.ui import bell, downloads
from pages.ui.format import md, size
from pages.ui.front_door.response import STUDIO

log = logging.getLogger("sft.pages")

HERE = Path(__file__).parent
MARK = HERE / "mark.svg"
LOGO = HERE / "logo.svg"
ABOUT = (
    "**SFT Studio** turns tables, files and chats into labeled examples, fine-tunes language models on them, and shows "
    "what changed. It runs on this machine."
)
_SEEN = "_seen_event"
NEWS_S = 4.0
_ENDS = {
    "succeeded": ("finished", ":material/check_circle:"),
    "failed": ("failed", ":material/error:"),
    "cancelled": ("was cancelled", ":material/stop_circle:"),
}


def configure() -> None:
    """Page icon (a local file: a Material icon would be fetched from the internet), wide layout, logo, style sheets."""
    st.set_page_config(page_icon=str(MARK), layout="wide", menu_items={"About": ABOUT})
    st.logo(str(LOGO), size="large", icon_image=str(MARK))
    for sheet in ("palette.generated.css", "studio.css"):
        st.html(HERE / sheet)
    with st.container(key="script"):
        st.html(f"<script>{STUDIO}</script>", unsafe_allow_javascript=True)


def low_disk() -> None:
    """A line above every screen when the disk is nearly full."""
    free = places.low_disk()
    if free is not None:
        st.warning(
            f"**The disk is nearly full: {size(free)} is free.** New work may stop. Free some space, or set "
            "SFT_DATA_DIR to a larger disk.",
            icon=":material/hard_drive:",
        )


def not_running() -> None:
    """A line above every screen when the web app was started alone, with the command that starts the rest."""
    if not downloads.is_served() or not (absent := running.missing()):
        return
    command = running.start_command(st.get_option("server.port"))
    first, *others = absent
    names = first if not others else f"{', '.join(absent[:-1])} and {absent[-1]}"
    with st.container(border=True, gap="xsmall", key="not_running"):
        st.markdown(
            f"**:orange[:material/power_off: Only the web app is running: {names} "
            f"{'are' if others or first == running.WORKERS else 'is'} not]**"
        )
        st.caption("Imports, conversions, training and answers wait until they run. Start them in a terminal:")
        st.code(command, language=None)


def _end(item: news.FinishedRecord) -> tuple[str, str | None]:
    """How a task ended in words, and the icon. A task that succeeds may leave a dataset with errors."""
    if item.state == "succeeded" and item.dataset_id:
        try:
            if datasets.get_dataset(item.dataset_id).state == "failed":
                return "finished: the dataset has errors to fix", ":material/error:"
        except NotFound:  # deleted in the meantime
            pass
    return _ENDS.get(item.state, (item.state, None))


@st.fragment(run_every=NEWS_S)
def announcements() -> None:
    """Toasts for long work that ended after this session started, on whichever screen the user is; and the bell."""
    try:
        first = _SEEN not in st.session_state
        seen = tasks.last_event_id() if first else st.session_state[_SEEN]
        latest = news.since(seen)
        st.session_state[_SEEN] = latest.last_event
        for item in latest.ended if not first else ():
            words, icon = _end(item)
            st.toast(f"**{md(item.title, 80)}** {words}.", icon=icon, duration="long")
        bell.bell(latest.newest_notice)
    except Exception:
        # A toast must never break a page; the page itself shows what is wrong.
        log.exception("what is new could not be read")
