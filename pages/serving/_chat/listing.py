"""The list of conversations beside a chat (on a narrow screen: behind a button), and renaming and deleting one."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.services.serving import conversations
from core.services.serving.conversations import MAX_TITLE, ConversationRecord
from pages.ui import addressed, components
from pages.ui.dialogs import dialog
from pages.ui.format import ago, md, plural

PER_PAGE = 12


def listing(opened: ConversationRecord | None, place: Literal["wide", "narrow"]) -> None:
    """Search, titles and pages. `place` makes the keys unique: the list is drawn for both widths."""
    if not conversations.list_conversations(limit=0)[1]:
        st.caption("Your conversations appear here.")
        return
    search = st.text_input(
        "Search conversations",
        placeholder="Search by title",
        label_visibility="collapsed",
        key=f"search_conversations_{place}",
    )
    page_key = f"page_conversations_{place}"
    total = conversations.list_conversations(search or "", limit=0)[1]
    first = components.first_of_page(total, PER_PAGE, page_key)
    found, _ = conversations.list_conversations(search or "", first, PER_PAGE)
    if not found:
        st.caption("No title contains this text.")
    with st.container(gap="xxsmall"):
        for item in found:
            _row(item, opened is not None and item.id == opened.id, place)
    components.pages(total, PER_PAGE, page_key)


def _row(item: ConversationRecord, is_open: bool, place: str) -> None:
    with st.container(gap=None, key=f"{'current' if is_open else 'other'}_{place}_{item.id}"):
        if st.button(md(item.title, 60), key=f"open_{place}_{item.id}", type="tertiary", wrap=True) and not is_open:
            addressed.go({"conversation": item.id})
        st.caption(ago(item.updated_at))


def head(conversation: ConversationRecord) -> None:
    """The title of the open conversation, with its actions."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="conversation_head"
    ):
        st.header(md(conversation.title), anchor=False, width="content")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            if st.button("Rename", icon=":material/edit:", type="tertiary", key="rename_conversation"):
                rename_dialog(conversation)
            if st.button("Delete", icon=":material/delete:", type="tertiary", key="delete_conversation"):
                delete_dialog(conversation)


@dialog("Rename the conversation")
def rename_dialog(conversation: ConversationRecord) -> None:
    """Give it another title."""
    title = st.text_input("Title", conversation.title, max_chars=MAX_TITLE, key="conversation_title")
    if st.button("Rename", type="primary", key="rename_conversation_now", disabled=not (title or "").strip()):
        conversations.rename(conversation.id, title)
        st.rerun()


@dialog("Delete the conversation?")
def delete_dialog(conversation: ConversationRecord) -> None:
    """Delete it, after the user has read what is deleted."""
    st.markdown(
        f"“{md(conversation.title)}” and its {plural(len(conversation.turns), 'message')} are deleted for everyone "
        "who uses this studio. This can't be undone. Ratings and corrections keep a copy of what they are about."
    )
    if st.button("Delete conversation", type="primary", key="delete_conversation_now"):
        conversations.delete(conversation.id)
        addressed.go({})
