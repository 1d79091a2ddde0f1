"""The list of connections to language models."""

from __future__ import annotations

import streamlit as st

from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from pages.ui import components
from pages.ui.connection_form import NEW, about, connection_form, open_form, show_test
from pages.ui.format import md


def connection_list() -> None:
    """All connections with their actions, and the button for a new one."""
    records = connections.list_connections()
    open_id = st.session_state.get("connection_open")
    with components.spread():
        st.header("Connections to language models", anchor=False, width="content")
        if open_id is None and st.button(
            "Add a connection", icon=":material/add:", type="tertiary", key="pick_add_connection"
        ):
            open_form()
            st.rerun()
    st.caption(
        "Smart mode uses one of these to write labeled examples; New job offers those that train. API keys are stored "
        "on this server only."
    )
    if open_id == NEW:
        connection_form(None)
    with st.container(border=True, gap="xsmall", key="connections"):
        for record in components.divided(records):
            _row(record)
    edited = next((record for record in records if record.id == open_id), None)
    if edited is not None:
        connection_form(edited)


def _row(record: ConnectionRecord) -> None:
    asked = st.session_state.get("connection_delete") == record.id
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{record.id}"):
            st.markdown(f"**{md(record.name)}**" if not asked else f"Delete **{md(record.name)}** and its key?")
            st.caption(md(about(record)))
        if asked:
            if st.button("Cancel", type="tertiary", key=f"keep_{record.id}"):
                st.session_state.pop("connection_delete")
                st.rerun()
            if st.button("Delete", key=f"delete_now_{record.id}"):
                connections.delete(record.id)
                st.session_state.pop("connection_delete")
                st.rerun()
            return
        if not record.builtin:
            if st.button("Edit", type="tertiary", key=f"edit_{record.id}"):
                open_form(record.id)
                st.rerun()
            if st.button("Delete", type="tertiary", key=f"delete_{record.id}"):
                st.session_state["connection_delete"] = record.id
                st.rerun()
        tested = st.button("Test", key=f"test_{record.id}")
    if tested:
        with st.spinner("Fetching the list of models"):
            show_test(connections.test(record.id), record.base_url)
