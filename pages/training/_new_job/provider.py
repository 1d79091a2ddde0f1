"""Where a new job trains: on this machine, or at a connection to a hosted service."""

from __future__ import annotations

import streamlit as st

from core.services.platform import drafts
from core.services.platform.connections import ConnectionRecord
from core.services.training import choices, hosted
from pages.training._new_job import forecast as job_forecast
from pages.ui import components, navigation
from pages.ui.format import md, sentence
from pages.ui.wizard import draft_state


def connection_of(draft: drafts.DraftRecord) -> ConnectionRecord | None:
    """The connection that was chosen; None for this machine, or if it no longer trains."""
    chosen = draft.state.get("connection")
    return next((one for one in hosted.training_connections() if one.id == chosen), None) if chosen else None


def draw(draft: drafts.DraftRecord) -> None:
    """The choice, what one should know about it, and how to add a service where there is none."""
    connections = {one.id: one for one in hosted.training_connections()}
    here = {one.id: one for one in choices.PROVIDERS if not one.hosted}
    titles = {one.id: one.title for one in here.values()} | {one.id: _title(one) for one in connections.values()}
    chosen = connection_of(draft)
    now = chosen.id if chosen else job_forecast.choices(draft)["provider"]
    wanted = now
    if len(titles) > 1:
        wanted = components.pick("Provider", titles, draft_state.key(draft, f"provider_{now}"), now)
    service = connections[wanted].service if wanted in connections else None
    text = sentence(service.text) if service else sentence(here[wanted].text)
    name = "" if len(titles) > 1 else f"**{md(titles[wanted])}** · "
    st.caption(f":material/{'cloud_upload' if service else 'computer'}: {name}{text}")
    if not connections:
        with components.spread(gap="small"):
            st.caption("To train at a hosted service, add a connection that trains.", width="content")
            navigation.button("Connections", "settings", icon=":material/settings:", type="tertiary", key="to_settings")
    if wanted != now:
        place = {"connection": wanted} if wanted in connections else {"connection": "", "provider": wanted}
        draft_state.save(draft, **place, name=None)
        st.rerun()


def _title(connection: ConnectionRecord) -> str:
    assert connection.service is not None
    own, service = connection.name, connection.service.title
    return own if own == service else f"{own} · {service}"
