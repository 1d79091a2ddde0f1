"""This machine: its hardware and software, workers and storage."""

from __future__ import annotations

import streamlit as st

from core.services.platform import doctor
from core.services.platform.doctor import Check
from core.services.platform.places import storage_use
from pages.ui import components
from pages.ui.format import md, md_code, size
from pages.ui.theme import Color

EXAMINED_FOR_S = 60  # the GPU check starts a process, and Ollama may be slow to answer
_STATES: dict[str, tuple[str, Color, str]] = {
    "ok": ("Found", "green", "check_circle"),
    "note": ("Optional", "gray", "info"),
    "missing": ("Missing", "red", "error"),
}


@st.cache_data(ttl=EXAMINED_FOR_S, show_spinner=False)
def _examined() -> list[Check]:
    return doctor.examine()


def machine() -> None:
    """The checks of `sft doctor`, with a command for each missing part."""
    with components.spread():
        st.header("This machine", anchor=False, width="content")
        if st.button("Check again", type="tertiary", icon=":material/refresh:", key="pick_check_again"):
            _examined.clear()
    with st.spinner("Checking this machine"):
        checks = _examined()
    with st.container(border=True, gap="xsmall", key="checks"):
        for check in components.divided(checks):
            word, color, icon = _STATES[check.state]
            with components.spread(wrap=False):
                with st.container(gap=None, width="stretch"):
                    st.markdown(f"**{check.name[:1].upper()}{md(check.name[1:])}**")
                    st.caption(md(check.found))
                st.badge(word, color=color, icon=f":material/{icon}:")
            if check.remedy and check.state != "ok":
                st.code(check.remedy, language=None, wrap_lines=True)


def storage() -> None:
    """The disk space the studio uses, by kind."""
    use = storage_use()
    components.heading("Storage", f"{size(use.used_bytes)} used")
    with st.container(border=True, gap="small", key="storage"):
        largest = sorted(use.places, key=lambda place: -place.size_bytes)
        components.memory_bar([(place.name, place.size_bytes) for place in largest], use.used_bytes + use.free_bytes)
        st.caption(f"Stored in {md_code(use.data_dir)}")
