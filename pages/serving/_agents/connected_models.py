"""Models behind the connections of Settings, listed when a user asks for them: a server may take seconds."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.errors import StudioError
from core.services.platform import connections
from core.services.serving import connected
from pages.ui.format import md, sentence

_FOUND: Final = "_connected_models"


def shown() -> dict[str, str]:
    """The titles of the models that were listed, by their ids."""
    return dict(st.session_state.get(_FOUND, {}))


def offer() -> None:
    """The button that lists them; nothing where there is no connection."""
    found = list(connected.choices())
    if (
        found
        and not shown()
        and st.button("List models behind connections", icon=":material/hub:", type="tertiary", key="list_connected")
    ):
        titles: dict[str, str] = {}
        for connection in found:
            try:
                names = connections.models(connection.id)
            except StudioError as error:
                st.caption(f":orange[:material/warning:] {md(connection.name)}: {sentence(error.message)}")
                continue
            titles |= {connected.model_id(connection.id, name): f"{name} ({connection.name})" for name in names}
        if titles:
            st.session_state[_FOUND] = titles
            st.rerun()
