"""Connections to language models: the list with what can be done about each. For Settings."""

from __future__ import annotations

import streamlit as st

from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from pages.ui.connection_form import NEW, about, connection_form, open_form, show_test
from pages.ui.format import md


def connection_list() -> None:
    """Every connection with what can be done about it, and the way to a new one. For Settings."""
    found = connections.list_connections()
    wanted = st.session_state.get("connection_open")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Language models that write", anchor=False, width="content")
        if wanted is None and st.button(
            "Add a connection", icon=":material/add:", type="tertiary", key="pick_add_connection"
        ):
            open_form()
            st.rerun()
    st.caption("Smart mode asks one of these to write labeled examples. Keys stay in files of this server.")
    if wanted == NEW:
        connection_form(None)
    with st.container(border=True, gap="xsmall", key="connections"):
        for index, record in enumerate(found):
            if index:
                st.divider()
            _row(record)
    edited = next((record for record in found if record.id == wanted), None)
    if edited is not None:
        connection_form(edited)


def _row(record: ConnectionRecord) -> None:
    asked = st.session_state.get("connection_delete") == record.id
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{record.id}"):
            st.markdown(f"**{md(record.name)}**" if not asked else f"Delete **{md(record.name)}** and its key?")
            st.caption(md(about(record)))
        if asked:
            if st.button("Keep", type="tertiary", key=f"keep_{record.id}"):
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
        with st.spinner("Asking for the models"):
            show_test(connections.test(record.id))
