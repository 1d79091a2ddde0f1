"""Settings: what was found on this machine, who is working, where things lie. Everything here is measured."""

from __future__ import annotations

import streamlit as st

from pages.platform._settings.parts import configuration, machine, person, storage, workers
from pages.ui import face, guard
from pages.ui.boundary import boundary
from pages.ui.connections import connection_list

guard.require()

with boundary():
    face.page_header(
        "Settings",
        "The language models that write for you, what was found on this machine, and where its files lie.",
        "Studio · Settings",
    )
    face.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        with boundary():
            connection_list()
        face.section_gap()
        with boundary():
            machine()
        face.section_gap()
        with boundary():
            configuration()
    with right:
        with boundary():
            workers()
        face.section_gap()
        with boundary():
            storage()
        person()
