"""The guard that stands first in every page.

On a fresh server a deep link runs a page's own file before `Home.py` has run: a sign-in gate that stood only there
would be bypassed. So every page begins with `guard.require()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.ui import app, navigation

_ENTERED = "_front_door"  # set once `Home.py` has run in this session


def sign_in_configured() -> bool:
    """Whether Streamlit's OIDC login is set up: an `[auth]` section in its secrets."""
    return _auth_section() is not None


def enter() -> None:
    """The guard of the front door itself: page icon, logo and style, then the sign-in gate."""
    app.configure()
    _gate()
    st.session_state[_ENTERED] = True


def require() -> None:
    """Let a signed-in person (or anyone, where sign-in is off) through; everyone else sees the sign-in screen alone."""
    if st.session_state.get(_ENTERED):
        _gate()
        return
    # This file ran by itself: tell Streamlit the real list of screens, then begin again at the front door.
    enter()
    navigation.register_pages()
    st.rerun()


def _gate() -> None:
    if sign_in_configured() and not st.user.get("is_logged_in"):
        navigation.register_pages(visible=False)
        _sign_in_screen()
        st.stop()


def _sign_in_screen() -> None:
    with st.container(horizontal_alignment="center", key="sign_in"):
        st.space("large")
        with st.container(border=True, width=420, horizontal_alignment="center", gap="small"):
            st.space("xsmall")
            st.image(str(app.MARK), width=40)
            st.markdown("### Sign in to SFT Studio", width="content", anchors=False)
            st.caption(
                "This studio holds your team's labeled examples and models. Sign in with your team's account.",
                width=300,
                text_alignment="center",
            )
            providers = sign_in_providers()
            for name in providers:
                label = "Sign in" if not name else f"Sign in with {name}"
                st.button(
                    label,
                    type="primary" if name == providers[0] else "secondary",
                    key=f"sign_in_{name or 'default'}",
                    on_click=st.login,
                    args=(name,) if name else (),
                )
            st.space("xsmall")


def _auth_section() -> Mapping[str, Any] | None:
    """The `[auth]` section of Streamlit's secrets, or None where sign-in is off."""
    try:
        section = st.secrets.get("auth")
    except FileNotFoundError:
        return None
    return section if section else None


def sign_in_providers() -> list[str]:
    """Named providers of the `[auth]` section; `[""]` where it is one unnamed provider."""
    section = _auth_section() or {}
    named = [name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value]
    return named or [""]
