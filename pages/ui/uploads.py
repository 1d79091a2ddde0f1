"""Bringing a file in: a drop zone that stores what it gets in chunks and lets go of it."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.conversion.analysis import Analysis
from core.findings import CODES
from core.messages import Reject
from core.services import sources
from core.services.sources import SourceRecord
from core.settings import MAX_UPLOAD_BYTES
from pages.ui import face
from pages.ui.boundary import show_error
from pages.ui.format import md, plural, sentence, size

# The browser counts in millions of bytes and would refuse the last 4.8 million; the exact limit is the service's.
WIDGET_LIMIT_MB = -(-MAX_UPLOAD_BYTES // 1_000_000)


FORMATS = "CSV, JSON, JSONL or Parquet"


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
        help=f"{FORMATS}; up to 100 MB (104,857,600 bytes). The file stays on this machine.",
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
        _let_go(uploaded)
    st.session_state.pop(f"{key}_problem", None)
    return source


def from_this_server(key: str) -> SourceRecord | None:
    """Import of a file that lies on this server or at a known address, where the studio is configured for it."""
    return None


def _let_go(uploaded: UploadedFile) -> None:
    """Have Streamlit drop its copy now: it would keep the bytes in memory until the person closes the tab."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_file(context.session_id, uploaded.file_id)
    uploaded.close()


def how_read(source: SourceRecord) -> str:
    """One line: format, encoding, dialect."""
    found = source.detection
    parts = [source.format.upper()]
    if found.encoding:
        parts.append(found.encoding)
    if found.delimiter:
        parts.append(f"separated by {DELIMITERS.get(found.delimiter, repr(found.delimiter)).lower()}")
    if found.header is False:
        parts.append("no header row")
    if found.array_path:
        parts.append("rows in " + ".".join(found.array_path))
    return " · ".join(parts)


DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe", ":": "Colon", " ": "Space"}


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
    for note in source.detection.notes:
        st.caption(f":material/info: {md(note)}")
    for item in source.detection.findings:
        st.caption(
            f"{face.badge_md(item.severity, SEVERITY_COLOR[item.severity])} {md(item.message)} {md(item.remedy)}"
        )


SEVERITY_COLOR = {"error": "red", "warning": "orange", "info": "gray"}


def unreadable(source: SourceRecord, analysis: Analysis) -> bool:
    """Say why a file holds not one usable row; False where it holds some."""
    if analysis.total_rows > analysis.rejected_rows:
        if analysis.rejected_rows:
            st.caption(
                f":orange[:material/warning: {plural(analysis.rejected_rows, 'row')} could not be read.] "
                "They are listed with their reason in the dataset's findings."
            )
        return False
    with st.container(border=True, gap="small", key="unreadable"):
        st.markdown("**:red[:material/error: The file holds no row that can be used]**")
        rejected = [row for row in sources.rows(source.id, limit=5) if isinstance(row, Reject)]
        for item in (finding for row in rejected for finding in row.findings):
            place = f"Line {item.line:,}: " if item.line else ""
            st.markdown(f"{place}{sentence(item.message)}")
            if item.remedy:
                st.caption(sentence(item.remedy))
        if not rejected:
            empty = CODES["no_rows"]
            st.markdown(sentence(empty.meaning))
            st.caption(sentence(empty.remedy))
    return True
