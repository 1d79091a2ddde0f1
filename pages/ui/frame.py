"""What stands around every page: the list of screens, the logo, the style sheet, and the news of finished work."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.ui.format import md

log = logging.getLogger("sft.pages")

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MARK = HERE / "mark.svg"
LOGO = HERE / "logo.svg"
ABOUT = (
    "**SFT Studio** turns tables, files and chats into labeled examples, fine-tunes language models on them, and shows "
    "what changed. It runs on this machine."
)
_ENTERED = "_front_door"
_SEEN = "_seen_event"
NEWS_S = 4.0
_ENDS = {
    "succeeded": ("is done", ":material/check_circle:"),
    "failed": ("failed", ":material/error:"),
    "cancelled": ("was stopped", ":material/stop_circle:"),
}


@dataclass(frozen=True, slots=True)
class Screen:
    """One entry of the navigation: the name of its file in its wing of `pages/`, title, outlined Material icon."""

    name: str
    title: str
    icon: str
    shown: bool = True


SECTIONS: dict[str, tuple[Screen, ...]] = {
    "": (Screen("home", "Home", "home"), Screen("demo", "Try the demo", "play_circle", shown=False)),
    "Prepare": (
        Screen("datasets", "Datasets", "dataset"),
        Screen("upload", "Upload", "upload_file"),
        Screen("convert", "Convert data", "transform"),
        Screen("mix", "Mix datasets", "blender", shown=False),
        Screen("import_conversations", "Import conversations", "forum"),
    ),
    "Train": (
        Screen("new_job", "New job", "add_circle"),
        Screen("jobs", "Jobs", "monitoring"),
        Screen("job", "Job", "monitoring", shown=False),
        Screen("models", "Models", "deployed_code"),
    ),
    "Use": (Screen("chat", "Chat", "chat"), Screen("compare", "Compare", "compare_arrows")),
    "Learn": (Screen("explainer", "Explainer", "school"),),
    "Studio": (
        Screen("background_jobs", "Background jobs", "view_timeline"),
        Screen("settings", "Settings", "tune"),
    ),
}


# The five wings of the house, by the section of the navigation that shows them.
WINGS: dict[str, str] = {
    "": "learn",
    "Prepare": "data",
    "Train": "training",
    "Use": "serving",
    "Learn": "learn",
    "Studio": "platform",
}
_FILES = {
    screen.name: ROOT / "pages" / WINGS[section] / f"{screen.name}.py"
    for section, screens in SECTIONS.items()
    for screen in screens
}


def page_file(name: str) -> Path:
    """The file of a screen, for `st.switch_page` and `st.page_link`."""
    return _FILES[name]


def exists(name: str) -> bool:
    """Whether that screen is part of this studio."""
    return page_file(name).is_file()


def register_pages(visible: bool = True) -> Any:
    """Give Streamlit the list of screens; returns the one that the address asks for."""
    sections: dict[str, list[Any]] = {}
    for section, screens in SECTIONS.items():
        pages = [
            st.Page(
                page_file(screen.name),
                title=screen.title,
                icon=f":material/{screen.icon}:",
                url_path=None if screen.name == "home" else screen.name,
                default=screen.name == "home",
                visibility="visible" if screen.shown else "hidden",
            )
            for screen in screens
            if exists(screen.name)
        ]
        if pages:
            sections[section] = pages
    return st.navigation(sections, position="sidebar" if visible else "hidden", expanded=True)


def configure() -> None:
    """Local page icon (a Material one would be fetched from the internet), wide layout, logo, style sheet."""
    st.set_page_config(page_icon=str(MARK), layout="wide", menu_items={"About": ABOUT})
    st.logo(str(LOGO), size="large", icon_image=str(MARK))
    st.html(HERE / "face.css")


def mark_entered() -> None:
    """Remember that this session came through the front door."""
    st.session_state[_ENTERED] = True


def entered() -> bool:
    """Whether `Home.py` has run in this session."""
    return bool(st.session_state.get(_ENTERED))


@st.fragment(run_every=NEWS_S)
def announcements() -> None:
    """Say that long work came to its end, wherever the person is; only what ends after they arrived is news."""
    from core.services.platform import tasks

    try:
        if _SEEN not in st.session_state:
            st.session_state[_SEEN] = tasks.last_event_id()
            return
        for item in tasks.events_since(st.session_state[_SEEN]):
            st.session_state[_SEEN] = max(item.id, st.session_state[_SEEN])
            words, icon = _ENDS.get(item.state, (item.state, None))
            st.toast(f"**{md(item.title, 80)}** {words}.", icon=icon, duration="long")
    except Exception:
        # The news must never take a page down; the page itself will say what is wrong.
        log.exception("the news of finished work could not be read")


def auth_section() -> Mapping[str, Any] | None:
    """The `[auth]` section of Streamlit's secrets, or None where sign-in is off."""
    try:
        section = st.secrets.get("auth")
    except FileNotFoundError:
        return None
    return section if section else None


def sign_in_providers() -> list[str]:
    """Named providers of the `[auth]` section; `[""]` where it is one unnamed provider."""
    section = auth_section() or {}
    named = [name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value]
    return named or [""]
