"""The sign-in check that every page starts with.

On a fresh server a deep link can run a page's file before `Home.py`, which would bypass a check that is only there.
The front door of the web process (`pages.ui.front_door`) asks for the sign-in before that; this check remains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit import runtime

from core.services.platform import running
from pages.ui import app, downloads, navigation
from pages.ui.format import md, sentence
from pages.ui.front_door import session

_ENTERED = "_front_door"  # set once `Home.py` has run in this session


def sign_in_required() -> bool:
    """Whether only signed-in users get in."""
    return _auth_section() is not None or session.current().required


def enter() -> None:
    """For `Home.py`: page icon, logo and styles, then the sign-in check."""
    app.configure()
    _gate()
    st.session_state[_ENTERED] = True


def require() -> None:
    """For every page: show the sign-in screen, and nothing else, to a user who has to sign in first."""
    if st.session_state.get(_ENTERED):
        _gate()
        return
    # This file ran before `Home.py`: register the list of screens, then start again there.
    enter()
    navigation.register_pages()
    st.rerun()


def _gate() -> None:
    if _runs_outside():
        _closed_screen(
            "This page was started without the studio around it. Start the studio with `sft up`, or with "
            "`streamlit run Home.py`."
        )
    elif problem := session.current().problem:
        _closed_screen(problem)
    elif sign_in_required() and not st.user.get("is_logged_in"):
        navigation.register_pages(visible=False)
        _sign_in_screen()
    elif problem := running.prepare():  # after the sign-in: the database is not touched before
        _closed_screen(problem)
    else:
        return
    st.stop()


def _runs_outside() -> bool:
    """Whether another server shows this page, such as `streamlit run pages/…`: it has no front door."""
    return runtime.exists() and type(runtime.get_instance()) is runtime.Runtime and not downloads.is_served()


def _closed_screen(problem: str) -> None:
    with st.container(horizontal_alignment="center", key="closed"):
        st.space("large")
        with st.container(border=True, width=420, horizontal_alignment="center", gap="small"):
            st.markdown("### SFT Studio is closed", width="content", anchors=False)
            st.markdown(sentence(problem), text_alignment="center")


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
                label = "Sign in" if not name else f"Sign in with {md(name)}"
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
