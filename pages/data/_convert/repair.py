"""Rows that could not be read: each with its line, its reason and its text, to be put right here."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import DataError, StudioError
from core.messages import Reject
from core.services.data.sources import Analysis, SourceRecord, repairs
from core.services.platform.drafts import DraftRecord
from pages.ui.errors import show_beside, show_error
from pages.ui.format import plural, sentence, short
from pages.ui.wizard.draft_state import key, renew, save

SHOWN = 20
EAGER_BYTES = 5_000_000  # larger files are looked through only when the person asks


@st.cache_data(max_entries=32, show_spinner="Looking for the rows")
def _broken(source_id: str, way: str) -> list[Reject]:
    return repairs.broken_rows(source_id)


def repair_panel(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> None:
    """The rows that were left out, where there are any; changed texts are put into a copy of the file."""
    if not analysis.rejected_rows or analysis.rejected_rows == analysis.total_rows:
        return
    title = f"{plural(analysis.rejected_rows, 'row')} could not be read"
    with st.expander(
        title,
        expanded=source.size_bytes <= EAGER_BYTES,
        icon=":material/build:",
        key=key(draft, "repairs"),
        on_change="rerun",
    ) as panel:
        if panel.open:
            _rows(draft, source, analysis)


def _rows(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> None:
    found = _broken(source.id, str(source.detection.to_dict()))[:SHOWN]
    able = repairs.can_repair(source)
    st.caption(
        "Put a text right and read again, or empty it to leave the row out. Your upload stays as it came; rows that "
        "you leave as they are come with the dataset, with line and reason."
        if able
        else "They come with the dataset, with line and reason, and can be downloaded as they were."
    )
    slots: dict[str, DeltaGenerator] = {}
    texts: dict[int, str] = {}
    for reject in found:
        with st.container(gap="xxsmall"):
            said = " ".join(sentence(finding.message) for finding in reject.findings[:2])
            st.markdown(f"**Line {reject.line:,}** :gray[{said}]")
            if not able or len(reject.raw) > repairs.MAX_RAW:
                st.code(short(reject.raw, 400), language=None, wrap_lines=True)
                continue
            texts[reject.line] = st.text_area(
                f"Line {reject.line}",
                value=reject.raw,
                height=68 if len(reject.raw) < 160 else 120,
                label_visibility="collapsed",
                key=key(draft, f"repair_{source.id}_{reject.line}"),
            )
            slots[str(reject.line)] = st.empty()
    if analysis.rejected_rows > len(found):
        st.caption(f"and {analysis.rejected_rows - len(found):,} more")
    if not able:
        return
    changed = {line: text for line, text in texts.items() if text != _raw(found, line)}
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        again = st.button(
            "Read again with these repairs", icon=":material/build:", disabled=not changed, key="read_repaired"
        )
        if changed:
            st.caption(f"{plural(len(changed), 'row')} changed", width="content")
    if again:
        _repair(draft, source, changed, slots)


def _raw(found: list[Reject], line: int) -> str:
    return next(reject.raw for reject in found if reject.line == line)


def _repair(draft: DraftRecord, source: SourceRecord, texts: dict[int, str], slots: dict[str, DeltaGenerator]) -> None:
    try:
        fixed = repairs.repair(source.id, texts)
    except StudioError as error:
        if not (isinstance(error, DataError) and show_beside(slots, error)):
            show_error(error)
        return
    renew(save(draft, source_id=fixed.id))
    st.toast(f"{plural(len(texts), 'row')} put right; the file was read again.", icon=":material/check_circle:")
    st.rerun()
