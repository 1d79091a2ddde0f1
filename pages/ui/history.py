"""The browser's history: an address as its next entry, or in place of the current one.

`st.switch_page` with query parameters makes two entries, the first of which is this screen with the other one's
parameters: Back would lead there. A link to the same screen makes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import streamlit as st

from pages.ui.front_door.response import PUSH, REPLACE


def push(screen: str, query: Mapping[str, str]) -> None:
    """Show a screen as the next entry."""
    _run(PUSH, screen, query)


def replace(screen: str, query: Mapping[str, str]) -> None:
    """Show a screen in place of this one: Back then leads to what was before this one."""
    _run(REPLACE, screen, query)


def _run(script: str, screen: str, query: Mapping[str, str]) -> None:
    goal = escape(f"{screen}?{urlencode(query)}", quote=True)
    with st.container(key="script_of_history"):
        st.html(f'<i hidden data-goal="{goal}"></i><script>{script}</script>', unsafe_allow_javascript=True)
