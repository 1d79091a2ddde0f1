"""Step 1 of Import conversations: an exported log, a sample to try, or a draft."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.services.data import chat_import
from core.services.platform.drafts import DraftRecord
from core.settings import MAX_UPLOAD_BYTES
from pages.data._import_conversations.draft import IDS
from pages.data._import_conversations.own import from_studio
from pages.data._shared.drafts import unfinished
from pages.data._shared.uploads import release
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.wizard import address

LIMIT_MB = -(-MAX_UPLOAD_BYTES // 1_000_000)
_PROBLEM, _TURN = "chats_problem", "chats_turn"


def begin_step() -> None:
    """Draw the step: the drop zone, the sample, the formats, the drafts."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        if components.switch("Where the conversations are", _SOURCES, "chats_source", default=_default()) == "studio":
            from_studio()
        else:
            components.heading("Your export", "zip, JSON, CSV and others, up to 100 MB")
            _drop_zone()
            _sample()
            components.section_gap()
            components.heading("Supported exports")
            _formats()
    with side:
        unfinished(chat_import.KIND, IDS, "An import that you leave halfway is saved here, with your review decisions.")
        components.section_gap()
        components.heading("Good to know")
        with st.container(border=True, gap="small"):
            st.markdown("**Conversations are raw material.** They may need cleanup and might include errors.")
            st.caption("The model learns every answer, right or wrong. Read them in the review step.")
            st.markdown("**Personal data is redacted** before anything becomes an example, unless you turn it off.")
            st.caption(
                "E-mail addresses, phone numbers, bank accounts, cards, IP addresses, keys and passwords are detected "
                "by pattern, speakers by name. Data without a pattern, such as a street address, is not detected."
            )
            st.markdown("**Nothing leaves this machine.**")


_SOURCES = {"files": "An exported file", "studio": "This studio"}


def _default() -> str:
    """What the address asks for (`?from=studio`), or a file."""
    asked = st.query_params.get("from", "")
    return asked if asked in _SOURCES else "files"


def _drop_zone() -> None:
    folder = components.switch("What to upload", {"files": "Files", "folder": "A folder"}, "chats_what") == "folder"
    turn = st.session_state.setdefault(_TURN, 0)
    uploaded: list[UploadedFile] = st.file_uploader(
        "Chat export",
        key=f"chats_{'folder' if folder else 'files'}_{turn}",
        accept_multiple_files="directory" if folder else True,
        max_upload_size=LIMIT_MB,
        help="The zip file from the app, one file, or several files of one export. Up to 100 MB in total.",
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
    _open(draft)


def _open(draft: DraftRecord) -> None:
    st.session_state.pop(_PROBLEM, None)
    address.open_draft(draft.id, draft.step)


def _sample() -> None:
    with components.spread(border=True, key="card_chat_sample"):
        with st.container(gap=None, width="stretch", key="rowtext_chat_sample"):
            st.markdown("**No export at hand?**")
            st.caption("Try the help desk chats of a fictional shop: a table of messages with names and times.")
        if st.button("Use the sample chats", icon=":material/forum:", key="use_sample_chats"):
            _open(chat_import.begin(chat_import.sample_source()))


def _formats() -> None:
    with st.grid(2, min_column_width=250):
        for log in (one for one in chat_import.formats() if one.id != "studio"):  # it is the other source above
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.markdown(f"**{log.title}**")
                st.caption(log.text)
