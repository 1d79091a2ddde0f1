"""Bringing a file in: a drop zone that stores what it gets in chunks and lets go of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import StudioError
from core.services.data import sources
from core.services.data.sources import Analysis, SourceRecord, importing
from core.settings import MAX_UPLOAD_BYTES
from pages.ui import components
from pages.ui.errors import field_error, show_error
from pages.ui.format import md, plural, sentence, size

# The browser counts in millions of bytes and would refuse the last 4.8 million; the exact limit is the service's.
WIDGET_LIMIT_MB = -(-MAX_UPLOAD_BYTES // 1_000_000)


def drop_zone(key: str, label: str = "File") -> SourceRecord | None:
    """A drop zone; the stored upload in the run in which a file arrived, else None.

    Any suffix is let in: what a file is, its content says, and the studio names the reason where it cannot read it.
    Streamlit holds an upload in memory for as long as its widget lives: once stored, the widget gets a new key.
    """
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    uploaded = st.file_uploader(
        label,
        key=f"{key}_{turn}",
        max_upload_size=WIDGET_LIMIT_MB,
        help=f"{sources.format_labels()}, also packed with gzip; up to 100 MB (104,857,600 bytes). "
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
    """A file that lies on this server or at a known host, where the studio is configured for it; once it is stored."""
    places = importing.available()
    if not places.roots and not places.hosts:
        return None
    stored: SourceRecord | None = None
    with st.expander("From this server or an address", icon=":material/dns:"):
        if places.roots:
            told = ", ".join(f"`{root}`" for root in places.roots)
            stored = _import_form(f"{key}_path", "File on the server", f"In {told}", importing.from_path)
        if places.hosts and stored is None:
            told = ", ".join(f"`{host}`" for host in places.hosts)
            stored = _import_form(f"{key}_url", "Address of a file", f"From {told}", importing.from_url)
    return stored


def _import_form(key: str, label: str, allowed: str, fetch: Callable[[str], SourceRecord]) -> SourceRecord | None:
    """One field and its button; Enter does the same. What is wrong is said under the field."""
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
    """One line: format, encoding, dialect."""
    (_, read_as), *others = source.facts
    return " · ".join([read_as, *(f"{title.lower()} {value}" for title, value in others)])


def file_card(source: SourceRecord, badge: str = "") -> bool:
    """The stored file: name, size, how it is read. True when another one is wanted."""
    with (
        st.container(border=True, key=f"file_{source.id}"),
        st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"),
    ):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**:material/draft: {md(source.filename, 60)}** {badge}")
            st.caption(f"{size(source.size_bytes)} · {md(how_read(source))}")
        return st.button("Choose another file", type="tertiary", key=f"other_{source.id}")


def notes(source: SourceRecord) -> None:
    """What was noticed about the file as a whole."""
    told = {item.message for item in source.detection.findings}
    for note in (note for note in source.detection.notes if note not in told):
        st.caption(f":material/info: {md(note)}")
    seen: Counter[str] = Counter()
    of_code = Counter(item.code for item in source.detection.findings)
    for item in source.detection.findings:
        seen[item.code] += 1
        if seen[item.code] == 2 and of_code[item.code] > 2:
            st.caption(f"and {of_code[item.code] - 1} more of this kind")
        if seen[item.code] > 1 and of_code[item.code] > 2:
            continue
        st.caption(
            f"{components.badge_md(item.severity, SEVERITY_COLOR[item.severity])} {md(item.message)} {md(item.remedy)}"
        )


SEVERITY_COLOR = {"error": "red", "warning": "orange", "info": "gray"}


def unreadable(source: SourceRecord, analysis: Analysis, count: bool = True) -> bool:
    """Say why a file holds not one usable row; False where it holds some. `count`: say how many rows are left out."""
    if analysis.total_rows > analysis.rejected_rows:
        if analysis.rejected_rows and count:
            st.caption(
                f":orange[:material/warning: {plural(analysis.rejected_rows, 'row')} could not be read.] "
                f"{'It is' if analysis.rejected_rows == 1 else 'They are'} listed with the reason in the dataset's "
                "findings."
            )
        return False
    with st.container(border=True, gap="small", key="unreadable"):
        st.markdown("**:red[:material/error: The file holds no row that can be used]**")
        for item in sources.why_unusable(source.id):
            place = f"Line {item.line:,}: " if item.line else ""
            st.markdown(f"{place}{sentence(item.message)}")
            if item.remedy:
                st.caption(sentence(item.remedy))
    return True
