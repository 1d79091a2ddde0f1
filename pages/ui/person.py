"""Who uses this browser: the name under which votes, corrections and decisions are stored."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.services.platform import budgets
from pages.ui.format import md

NO_NAME = "someone on this machine"


def name() -> str:
    """The signed-in user's name or address; "" where sign-in is off."""
    if not st.user.get("is_logged_in"):
        return ""
    return str(st.user.get("name") or st.user.get("email") or "")


def _acting() -> str:
    """The user whose script or callback runs in this thread."""
    return name() if get_script_run_ctx(suppress_warning=True) is not None else ""


budgets.find_person_by(_acting)


def shown(author: str, *, begins: bool = False) -> str:
    """A stored name as markdown: *you* for the user of this browser. `begins`: it begins a line."""
    words = "you" if author == name() else md(author, 60) or NO_NAME
    return words[0].upper() + words[1:] if begins and words in ("you", NO_NAME) else words
