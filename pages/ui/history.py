"""The browser's history: an address as its next entry, or in place of the current one.

`st.switch_page` with query parameters makes two entries, the first of which is this screen with the other one's
parameters: Back would lead there. A link to the same screen makes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import streamlit as st

from pages.ui.front_door.response import FINISH, PUSH, REPLACE


def push(screen: str, query: Mapping[str, str]) -> None:
    """Show a screen as the next entry."""
    _run(PUSH, screen, query)


def replace(screen: str, query: Mapping[str, str]) -> None:
    """Show a screen in place of this one: Back then leads to what was before this one."""
    _run(REPLACE, screen, query)


def finish(screen: str, query: Mapping[str, str], draft_id: str) -> None:
    """Show a screen in place of all steps of a wizard: Back then leads to what was before its first choice.

    The first step to which the browser goes back has to call this too: it is the entry that is replaced.
    """
    _run(FINISH, screen, query, draft_id)


def _run(script: str, screen: str, query: Mapping[str, str], mark: str = "") -> None:
    goal, named = (escape(text, quote=True) for text in (f"{screen}?{urlencode(query)}", mark))
    here = escape(urlencode(st.query_params.to_dict()), quote=True)  # at another address the script runs again
    # A wizard that is done finishes its steps in every run, also in the one that opens another screen.
    with st.container(key=f"script_of_history_{'finish' if mark else 'go'}"):
        st.html(
            f'<i hidden data-goal="{goal}" data-mark="{named}" data-here="{here}"></i><script>{script}</script>',
            unsafe_allow_javascript=True,
        )
