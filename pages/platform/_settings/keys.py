"""The keys of the API: create one and see it once, list them, revoke one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.errors import StudioError
from core.services.platform import api_keys
from core.services.platform.api_keys import ApiKeyRecord
from core.settings import get_settings
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.errors import show_beside, show_error
from pages.ui.format import ago, md, md_code, moment, plural

_DAYS: Final = {30: "30 days", 90: "90 days", 365: "1 year", 0: "Never"}
_DEFAULT_DAYS: Final = 90
_RECORDED: Final = 30
_NEW: Final = "new_api_key"


def key_list() -> None:
    """All keys with their state, and the button for a new one."""
    keys = api_keys.list_keys()
    with components.spread():
        st.header("API keys", anchor=False, width="content")
        if st.button("Create a key", icon=":material/add:", type="tertiary", key="pick_create_key"):
            st.session_state.pop(_NEW, None)
            create_dialog()
    st.caption(f"Programs reach the API at {md_code(get_settings().api_url)} with one of these keys.")
    with st.container(border=True, gap="xsmall", key="api_keys"):
        if not keys:
            st.caption(
                "No keys yet. Programs on this machine need none, unless sign-in is on; the first key closes the API "
                "to all that have none."
            )
        for key in components.divided(keys):
            _row(key)


def _row(key: ApiKeyRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None, width="stretch", key=f"key_text_{key.id}"):
            st.markdown(f"**{md(key.name)}** {md_code(key.prefix + '…')}")
            st.caption(" · ".join(_facts(key)))
        if key.state != "active":
            st.badge("Expired", color="orange", icon=":material/schedule:")
        if st.button("Recording", type="tertiary", icon=":material/radio_button_checked:", key=f"record_{key.id}"):
            recording_dialog(key)
        if st.button("Revoke", type="tertiary", key=f"revoke_{key.id}"):
            revoke_dialog(key)


def _facts(key: ApiKeyRecord) -> list[str]:
    used = f"used {ago(key.last_used_at)}" if key.last_used_at else "not used yet"
    expires = "does not expire" if key.expires_at is None else f"expires {moment(key.expires_at)}"
    facts = [md(", ".join(key.scopes)), used, expires]
    if key.record_days:
        clean = "personal data redacted" if key.redact else ":orange[personal data not redacted]"
        facts.append(f"conversations recorded for {plural(key.record_days, 'day')}, {clean}")
    return facts


@dialog("Create an API key", width="medium", icon=":material/key:")
def create_dialog() -> None:
    """Name, scopes and expiry; then the key itself, once."""
    if shown := st.session_state.get(_NEW):
        st.markdown("Copy the key now. It is not shown again, because only its hash is stored.")
        st.code(shown, language=None, wrap_lines=True)
        if st.button("Done", type="primary", key="key_done"):
            st.session_state.pop(_NEW)
            st.rerun()
        return
    slots = {}
    name = st.text_input("Name", key="key_name", placeholder="What uses the key, such as Support bot")
    slots["name"] = st.container()
    st.markdown("**It may**")
    with st.container(gap="xxsmall"):
        chosen = [
            scope
            for scope, text in api_keys.SCOPES.items()
            if st.checkbox(f"**{scope}**: {text}", scope in (api_keys.READ, api_keys.SERVE), key=f"key_scope_{scope}")
        ]
    slots["scopes"] = st.container()
    days = components.pick("Expires after", _DAYS, "key_days", _DEFAULT_DAYS)
    if not st.button("Create key", type="primary", key="key_create"):
        return
    try:
        made = api_keys.create(name=name, scopes=chosen, days=days or None)
    except StudioError as error:
        if not show_beside(slots, error):
            show_error(error)
        return
    st.session_state[_NEW] = made.key
    st.rerun(scope="fragment")


@dialog("Record conversations", width="medium", icon=":material/radio_button_checked:")
def recording_dialog(key: ApiKeyRecord) -> None:
    """Whether the conversations of a key's programs are stored, for how long, and what is replaced before."""
    st.markdown(
        f"What programs ask with **{md(key.name)}** and what is answered is stored, and shown under *Agents*, "
        "*Conversations*. Tell the people who use these programs."
    )
    on = st.toggle("Record", bool(key.record_days), key="record_on")
    days = st.number_input(
        "Delete after (days)",
        1,
        api_keys.LONGEST_RECORDED,
        key.record_days or _RECORDED,
        key="record_days",
        disabled=not on,
    )
    redact = st.toggle(
        "Redact personal data and secrets",
        key.redact,
        key="record_redact",
        disabled=not on,
        help="Mail addresses, phone and card numbers, keys and passwords are replaced, as in *Import conversations*.",
    )
    if st.button("Save", type="primary", key="record_save"):
        api_keys.set_recording(key.id, days=int(days) if on else 0, redact=redact)
        st.rerun()


@dialog("Revoke this key?", icon=":material/key_off:")
def revoke_dialog(key: ApiKeyRecord) -> None:
    """Confirm; a revoked key cannot be restored."""
    st.markdown(f"Programs that use **{md(key.name)}** ({md_code(key.prefix + '…')}) are refused from now on.")
    if st.button("Revoke", type="primary", key="revoke_confirm"):
        api_keys.revoke(key.id)
        st.rerun()
