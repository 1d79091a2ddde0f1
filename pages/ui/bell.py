"""The bell at the top of every page: how many notices are new, and the newest ones with their links."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl

import streamlit as st

from core.services.platform import notices
from core.services.platform.notices import NoticeRecord
from pages.ui import navigation, person
from pages.ui.errors import boundary
from pages.ui.format import ago, md
from pages.ui.front_door.browser import COOKIE

_KNOWN = "_bell_known"  # (newest notice, how many are unread)
_SHOWN_NEW = "_bell_shown_new"  # those after this notice were new when the panel was opened
_READER = "_bell_reader"
_COLORS = {"success": "green", "warning": "orange", "error": "red", "info": "gray"}
SHOWN = 20


def reader() -> str:
    """Whose marks count: the signed-in person, else this browser."""
    if name := person.name():
        return name
    known = str(st.context.cookies.get(COOKIE) or "") or st.session_state.setdefault(_READER, secrets.token_hex(8))
    return f"browser:{known[:64]}"


def bell(newest: int) -> None:
    """Draw it; the unread notices are counted only when there is a newer one.

    Args:
        newest: the id of the newest notice.
    """
    known = st.session_state.get(_KNOWN)
    if known is None or known[0] != newest:
        known = (newest, notices.unread(reader(), person=person.name()) if newest else 0)
        st.session_state[_KNOWN] = known
    with st.container(key="bell", width="content", gap=None):
        panel = st.popover(  # its label is always the same: with another one it would close
            "Notices", icon=":material/notifications:", type="tertiary", key="bell_panel", on_change=_opened
        )
        if known[1]:
            with st.container(key="bell_count", width="content"):
                st.markdown("99+" if known[1] > 99 else f"{known[1]:d}", width="content")
        if panel.open:
            with panel, boundary():
                _list()


def _opened() -> None:
    """The panel was opened or closed: what it shows is read from then on."""
    newest, unread = st.session_state.get(_KNOWN, (0, 0))
    if unread:
        st.session_state[_SHOWN_NEW] = notices.mark_read(reader(), newest)
    st.session_state[_KNOWN] = (newest, 0)


def _list() -> None:
    found = notices.newest(person=person.name(), limit=SHOWN)
    new_after = st.session_state.get(_SHOWN_NEW, found[0].id if found else 0)
    with st.container(width=360, gap="small", key="bell_list"):
        st.markdown("**Notices**")
        if not found:
            st.caption("Nothing yet. Jobs that end, datasets that fail validation and lost workers appear here.")
        for notice in found:
            _row(notice, notice.id > new_after)
        st.page_link(
            navigation.page_file("settings"),
            label="Send notices by mail or to a channel",
            icon=":material/outgoing_mail:",
        )


def _row(notice: NoticeRecord, is_new: bool) -> None:
    kind = notice.about
    color = _COLORS[kind.level]
    with st.container(gap=None, key=f"notice_{notice.id}"):
        title = f":{color}[:material/{kind.icon}:] {'**' if is_new else ''}{md(notice.title)}{'**' if is_new else ''}"
        place = target_of(notice.link)
        if place is None:
            st.markdown(title)
        else:
            st.page_link(navigation.page_file(place[0]), label=title, query_params=place[1])
        if notice.text:
            st.caption(md(notice.text, 200))
        st.caption(f"{'New · ' if is_new else ''}{ago(notice.created_at)}")


def target_of(link: str) -> tuple[str, dict[str, str]] | None:
    """The screen of a notice's link, and its query; None if the screen does not exist."""
    screen, _, query = link.partition("?")
    known = {each.name for section in navigation.SECTIONS.values() for each in section}
    return (screen, dict(parse_qsl(query))) if screen in known else None
