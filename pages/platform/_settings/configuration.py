"""The active settings, and the signed-in user."""

from __future__ import annotations

import streamlit as st

from core.settings import get_settings
from pages.ui import components, person
from pages.ui.format import md
from pages.ui.guard import sign_in_required


def configuration() -> None:
    """The active settings; each is an environment variable, read at startup."""
    settings = get_settings()
    components.heading("Configuration", "Environment variables, read at startup")
    with st.container(border=True, key="configuration"):
        components.facts(
            [
                ("SFT_DATA_DIR", str(settings.data_dir)),
                ("DATABASE_URL", "SQLite in the data directory" if settings.is_sqlite else "PostgreSQL"),
                ("REDIS_URL", "set" if settings.redis_url else "embedded server"),
                ("STORAGE_URL", settings.storage_url or "files in the data directory"),
                ("SFT_HOST", settings.host),
                ("SFT_WEB_PORT", str(settings.web_port)),
                ("SFT_INFERENCE_PORT", str(settings.inference_port)),
                ("SFT_API_PORT", str(settings.api_port)),
                ("SFT_DEVICE", settings.device),
                ("SFT_OLLAMA_URL", settings.ollama_url),
                ("SFT_KEY_HOSTS", settings.key_hosts or "the known services only"),
                ("Sign-in", "on, by OpenID Connect" if sign_in_required() else "off (this machine only)"),
            ]
        )


def signed_in() -> None:
    """The signed-in user, if sign-in is on."""
    if not sign_in_required():
        return
    components.section_gap()
    components.heading("Account")
    with components.spread(border=True, key="you"):
        st.markdown(md(person.name() or "Signed in"), width="content")
        if st.button("Sign out", icon=":material/logout:", key="sign_out"):
            st.logout()
