"""Settings: connections to language models, notices, API keys, this machine, workers, storage, configuration."""

from __future__ import annotations

import streamlit as st

from pages.platform._settings.configuration import configuration, signed_in
from pages.platform._settings.connections import connection_list
from pages.platform._settings.keys import key_list
from pages.platform._settings.machine import machine, storage
from pages.platform._settings.notices import target_list
from pages.ui import components, guard
from pages.ui.errors import boundary
from pages.ui.tasks import workers

guard.require()

with boundary():
    components.page_header(
        "Settings",
        "Connections to language models, notices, API keys, this machine, and where its files are stored.",
        "Studio · Settings",
    )
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        with boundary():
            connection_list()
        components.section_gap()
        with boundary():
            target_list()
        components.section_gap()
        with boundary():
            key_list()
        components.section_gap()
        with boundary():
            machine()
        components.section_gap()
        with boundary():
            configuration()
    with right:
        with boundary():
            workers.panel()
        components.section_gap()
        with boundary():
            storage()
        signed_in()
