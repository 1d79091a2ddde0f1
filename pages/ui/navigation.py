"""The list of screens, by the sections of the navigation, and the file of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.ui import downloads, history

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen: the name of its file, its title and its Material icon."""

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
    "Use": (
        Screen("chat", "Chat", "chat"),
        Screen("compare", "Compare", "compare_arrows"),
        Screen("agents", "Agents", "smart_toy"),
        Screen("arena", "Arena", "how_to_vote"),
        Screen("feedback", "Feedback", "reviews"),
        Screen("evaluate", "Evaluate", "balance"),
        Screen("analytics", "Analytics", "insights"),
    ),
    "Learn": (Screen("explainer", "Explainer", "school"),),
    "Studio": (
        Screen("background_jobs", "Background jobs", "view_timeline"),
        Screen("spending", "Spending", "payments"),
        Screen("shutdowns", "Shutdowns", "event_busy"),
        Screen("settings", "Settings", "tune"),
    ),
}


# The folder of `pages/` that holds the screens of a section.
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


def go(name: str, query: Mapping[str, str] | None = None, instead_of: str = "") -> NoReturn:
    """Open a screen, with `query` in its address.

    Args:
        instead_of: the draft of a wizard whose steps the screen replaces in the browser's history.
    """
    if query and downloads.is_served():
        if instead_of:
            history.finish(name, query, instead_of)
        else:
            history.push("" if name == "home" else name, query)
        st.stop()
    st.switch_page(_FILES[name], query_params=query)


def button(label: str, name: str, query: Mapping[str, str] | None = None, **options: Any) -> None:
    """A button that opens a screen; `options` are those of `st.button`."""
    if st.button(label, **options):
        go(name, query)


def register_pages(visible: bool = True) -> StreamlitPage:
    """Register the screens with Streamlit and return the one in the address."""
    sections = {
        section: [
            st.Page(
                page_file(screen.name),
                title=screen.title,
                icon=f":material/{screen.icon}:",
                url_path=None if screen.name == "home" else screen.name,
                default=screen.name == "home",
                visibility="visible" if screen.shown else "hidden",
            )
            for screen in screens
        ]
        for section, screens in SECTIONS.items()
    }
    return st.navigation(sections, position="sidebar" if visible else "hidden", expanded=True)
