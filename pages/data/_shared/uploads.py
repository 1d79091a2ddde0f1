"""Uploading a file: the drop zone, the import from the server, and the card of the stored file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import StudioError
from core.services.data import chat_import, sources
from core.services.data.sources import Analysis, SourceRecord, importing
from core.settings import MAX_UPLOAD_BYTES
from pages.data._shared.severity import severity_badge
from pages.ui import components, navigation
from pages.ui.errors import boundary, field_error, show_error
from pages.ui.format import md, md_code, plural, sentence, size
from pages.ui.wizard import address

# The browser counts in units of 1,000,000 bytes; rounded up, it accepts everything that the service's limit allows.
WIDGET_LIMIT_MB = -(-MAX_UPLOAD_BYTES // 1_000_000)


def drop_zone(key: str, label: str = "File") -> SourceRecord | None:
    """Draw a drop zone. Returns the stored upload in the run in which a file arrives, otherwise None.

    It accepts any suffix: the format is detected from the content, and an unreadable file gets its reason. Streamlit
    holds an upload in memory while its widget exists, so the widget gets a new key once the file is stored.
    """
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    uploaded = st.file_uploader(
        label,
        key=f"{key}_{turn}",
        max_upload_size=WIDGET_LIMIT_MB,
        help=f"{sources.format_labels()}, also compressed with gzip, up to 100 MB (104,857,600 bytes). "
        "The file stays on this machine.",
    )
    problem = st.session_state.get(f"{key}_problem")
    if uploaded is None:
        if problem is not None:
            show_error(problem)
        return None
    st.session_state[f"{key}_turn"] = turn + 1
    try:
        with st.spinner("Storing and reading the file"):
            source = sources.ingest(uploaded, uploaded.name)
    except Exception as error:
        st.session_state[f"{key}_problem"] = error
        st.rerun()
    finally:
        release(uploaded)
    st.session_state.pop(f"{key}_problem", None)
    return source


def from_this_server(key: str) -> SourceRecord | None:
    """Draw the import of a file from this server or an allowed host, if configured. Returns it once it is stored."""
    places = importing.available()
    if not places.roots and not places.hosts:
        return None
    stored: SourceRecord | None = None
    with st.expander("From this server or an address", icon=":material/dns:"):
        if places.roots:
            allowed = ", ".join(md_code(root) for root in places.roots)
            stored = _import_form(f"{key}_path", "File on the server", f"In {allowed}", importing.from_path)
        if places.hosts and stored is None:
            allowed = ", ".join(md_code(host) for host in places.hosts)
            stored = _import_form(f"{key}_url", "Address of a file", f"From {allowed}", importing.from_url)
    return stored


def _import_form(key: str, label: str, allowed: str, fetch: Callable[[str], SourceRecord]) -> SourceRecord | None:
    """One field with its button; an error is shown under the field."""
    with st.form(f"form_{key}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            written = st.text_input(label, key=key)
            pressed = st.form_submit_button("Import", icon=":material/download:")
        slot = st.container(gap=None)
        slot.caption(allowed)
    if not pressed:
        return None
    try:
        with st.spinner("Fetching and reading the file"):
            return fetch(written.strip())
    except StudioError as error:
        with slot:
            field_error(error)
        return None


def release(uploaded: UploadedFile) -> None:
    """Drop Streamlit's copy of an uploaded file now; Streamlit would hold it in memory until the tab is closed."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, uploaded.file_id)
    uploaded.close()


def how_read(source: SourceRecord) -> str:
    """How the file was read, in one line."""
    (_, read_as), *others = source.facts
    return " · ".join([read_as, *(f"{title.lower()} {value}" for title, value in others)])


def file_card(source: SourceRecord) -> bool:
    """The card of a stored file. True when the person wants to choose another one."""
    with st.container(border=True, key=f"file_{source.id}"), components.spread():
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**:material/draft: {md(source.filename, 60)}**")
            st.caption(f"{size(source.size_bytes)} · {md(how_read(source))}")
        return st.button("Choose another file", type="tertiary", key=f"other_{source.id}")


def notes(source: SourceRecord) -> None:
    """Notes and findings about the file."""
    messages = {item.message for item in source.detection.findings}
    for note in (note for note in source.detection.notes if note not in messages):
        st.caption(f":material/info: {md(note)}")
    seen: Counter[str] = Counter()
    of_code = Counter(item.code for item in source.detection.findings)
    for item in source.detection.findings:
        seen[item.code] += 1
        if seen[item.code] == 2 and of_code[item.code] > 2:
            st.caption(f"and {of_code[item.code] - 1} more of this kind")
        if seen[item.code] > 1 and of_code[item.code] > 2:
            continue
        st.caption(f"{severity_badge(item.severity)} {md(item.message)} {md(item.remedy)}")


def raw_text_note(column: str) -> None:
    """Say that a file has no labeled examples, and what makes some of it."""
    st.markdown(
        f":orange[:material/article: {md_code(column)} is raw text, not labeled examples:] there is no input and no "
        "output. In Convert data, *Smart* mode has a model write questions and answers from each passage."
    )


def chat_log_note(source: SourceRecord) -> bool:
    """Lead an upload that is a chat log to Import conversations; False if it is none."""
    kind = chat_import.kind_of_upload(source.id)
    if kind is None:
        return False
    with st.container(border=True, gap="small", key="chat_log"):
        st.markdown(f":material/forum: **This is a chat log** {md(kind.title)}")
        st.caption(
            "Import conversations pairs what people ask with the answers, conversation by conversation. "
            "A table conversion would take each message for itself."
        )
        if st.button("Import conversations", type="primary", icon=":material/forum:", key="to_chats"):
            with boundary():
                draft = chat_import.begin(chat_import.of_upload(source.id))
                navigation.go("import_conversations", address.query(draft.id, draft.step))
    return True


def unreadable(source: SourceRecord, analysis: Analysis, count: bool = True) -> bool:
    """Explain why a file has no usable row; False when it has some. `count` shows the number of rejected rows."""
    if analysis.total_rows > analysis.rejected_rows:
        if analysis.rejected_rows and count:
            st.caption(
                f":orange[:material/warning: {plural(analysis.rejected_rows, 'row')} could not be read.] "
                "The dataset's findings list the reasons."
            )
        return False
    with st.container(border=True, gap="small", key="unreadable"):
        st.markdown("**:red[:material/error: The file has no usable rows]**")
        for item in sources.why_unusable(source.id):
            place = f"Line {item.line:,}: " if item.line else ""
            st.markdown(f"{place}{sentence(item.message)}")
            if item.remedy:
                st.caption(sentence(item.remedy))
    return True
