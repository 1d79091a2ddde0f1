"""Who uses this browser: the name under which votes, corrections and decisions are stored."""

from __future__ import annotations

import streamlit as st


def name() -> str:
    """The signed-in user's name or address; "" where sign-in is off."""
    if not st.user.get("is_logged_in"):
        return ""
    return str(st.user.get("name") or st.user.get("email") or "")
