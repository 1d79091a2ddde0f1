"""Step 1 of importing conversations: an exported log, a sample to try, or an import that was begun earlier."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.services.data import chat_import
from core.services.platform import drafts
from core.services.platform.drafts import BegunRecord
from core.settings import MAX_UPLOAD_BYTES
from pages.data._import_conversations.draft import IDS
from pages.ui import components, states
from pages.ui.dialogs import dialog
from pages.ui.errors import show_error
from pages.ui.format import ago, md
from pages.ui.uploads import release

LIMIT_MB = -(-MAX_UPLOAD_BYTES // 1_000_000)
_PROBLEM, _TURN = "chats_problem", "chats_turn"


def begin_step() -> None:
    """Bring an export in, try the sample, or go on with an earlier one."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Your export", "zip, JSON, CSV and others, up to 100 MB")
        _drop_zone()
        _sample()
        components.section_gap()
        components.heading("Exports that are read")
        _formats()
    with side:
        _begun()
        components.section_gap()
        components.heading("Good to know")
        with st.container(border=True, gap="small"):
            st.markdown("**Conversations are raw material.** They may need cleanup, and answers might include errors.")
            st.caption("The model learns what was answered, right or wrong: read through the review.")
            st.markdown("**Personal data is redacted** before anything becomes an example, unless you turn it off.")
            st.caption(
                "E-mail addresses, phone numbers, bank accounts, cards, IP addresses, keys and passwords are found by "
                "their shape, speakers by their names. What has no shape, such as a street, is not found."
            )
            st.markdown("**The file stays on this machine.**")


def _drop_zone() -> None:
    folder = (
        st.segmented_control(
            "What to bring",
            ["Files", "A folder"],
            default="Files",
            required=True,
            label_visibility="collapsed",
            key="chats_what",
        )
        == "A folder"
    )
    turn = st.session_state.setdefault(_TURN, 0)
    uploaded: list[UploadedFile] = st.file_uploader(
        "Chat export",
        key=f"chats_{'folder' if folder else 'files'}_{turn}",
        accept_multiple_files="directory" if folder else True,
        max_upload_size=LIMIT_MB,
        help="The zip as the app gave it, one file, or several files of one export. Up to 100 MB in all.",
    )
    problem = st.session_state.get(_PROBLEM)
    if not uploaded:
        if problem is not None:
            show_error(problem)
        return
    st.session_state[_TURN] = turn + 1
    try:
        with st.spinner("Storing and reading the export"):
            if len(uploaded) == 1 and not folder:
                source = chat_import.ingest(uploaded[0], uploaded[0].name)
            else:
                source = chat_import.ingest_folder([(item.name, item) for item in uploaded])
            draft = chat_import.begin(source)
    except Exception as error:
        st.session_state[_PROBLEM] = error
        st.rerun()
    finally:
        for item in uploaded:
            release(item)
    _open(draft.id)


def _open(draft_id: str) -> None:
    st.session_state.pop(_PROBLEM, None)
    st.query_params["draft"] = draft_id
    st.rerun()


def _sample() -> None:
    with st.container(
        border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="chat_sample"
    ):
        with st.container(gap=None, width="stretch", key="rowtext_chat_sample"):
            st.markdown("**No export at hand?**")
            st.caption("Try it with the help desk chats of an invented shop: a table of messages with names and times.")
        if st.button("Use the sample chats", icon=":material/forum:", key="use_sample_chats"):
            _open(chat_import.begin(chat_import.sample_source()).id)


def _formats() -> None:
    with st.grid(2, min_column_width=250):
        for log in chat_import.formats():
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.markdown(f"**{log.title}**")
                st.caption(log.text)


def _begun() -> None:
    found = drafts.begun(chat_import.KIND)
    components.heading("Begun earlier", f"{len(found)} kept" if found else None)
    with st.container(border=True, gap="xsmall", key="open_drafts"):
        if not found:
            st.caption("An import that you leave halfway is kept here, with every decision of its review.")
        for index, draft in enumerate(found[:8]):
            if index:
                st.divider()
            _row(draft)


def _row(draft: BegunRecord) -> None:
    title = md(draft.name or draft.filename or "An export that is gone", 40)
    open_ = draft.state in ("open", "failed", "cancelled", "paused")
    place = f"step {IDS.index(draft.step) + 1 if draft.step in IDS else 2} of {len(IDS)}"
    if draft.state != "open":
        place = states.state_of(draft.state).word.lower()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{title}**")
            st.caption(f"{place} · {ago(draft.updated_at)}")
        if open_ and st.button(
            "", icon=":material/delete:", type="tertiary", help="Discard this import", key=f"discard_{draft.id}"
        ):
            _ask_discard(draft)
        if draft.filename is not None and st.button("Continue" if open_ else "Open", key=f"continue_{draft.id}"):
            _open(draft.id)


@dialog("Discard this import?", icon=":material/delete:")
def _ask_discard(draft: BegunRecord) -> None:
    st.markdown(f"**{md(draft.name or draft.filename or 'It', 60)}**: its choices and its review are lost.")
    st.caption("Datasets that were made of it stay.")
    if st.button("Discard", type="primary", key="discard_now", width="stretch"):
        drafts.discard(draft.id)
        st.rerun()
