"""Rows that could not be read: each with its line, the reason and its text, to fix it here."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import DataError, StudioError
from core.messages import Reject
from core.services.data.sources import Analysis, SourceRecord, repairs
from core.services.platform.drafts import DraftRecord
from pages.data._convert.reading import save_reading
from pages.ui.errors import show_beside, show_error
from pages.ui.format import md, plural, sentence, short
from pages.ui.wizard.draft_state import key, renew, save

SHOWN = 20
EAGER_BYTES = 5_000_000  # larger files are searched only when the person opens the panel


@st.cache_data(max_entries=32, show_spinner="Finding the rows")
def _broken(source_id: str, way: str) -> list[Reject]:
    return repairs.broken_rows(source_id)


def repair_panel(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> None:
    """The rejected rows, if there are any; the fixed texts go into a copy of the file."""
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
    broken = _broken(source.id, str(source.detection.to_dict()))[:SHOWN]
    repairable = repairs.can_repair(source)
    st.caption(
        "Fix a text and read the file again, or clear it to remove the row. Your upload does not change. Rows that "
        "you do not fix are listed with the dataset, with line and reason."
        if repairable
        else "The dataset lists them with line and reason, and you can download them unchanged."
    )
    for number, (title, way) in enumerate(repairs.ways_to_fit(source, broken)):
        if st.button(md(title), icon=":material/auto_fix_high:", key=f"fit_rows_{number}"):
            save_reading(draft, source, way)
    slots: dict[str, DeltaGenerator] = {}
    texts: dict[int, str] = {}
    for reject in broken:
        with st.container(gap="xxsmall"):
            reasons = " ".join(sentence(finding.message) for finding in reject.findings[:2])
            st.markdown(f"**Line {reject.line:,}** :gray[{reasons}]")
            if not repairable or len(reject.raw) > repairs.MAX_RAW:
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
    if analysis.rejected_rows > len(broken):
        st.caption(f"and {analysis.rejected_rows - len(broken):,} more")
    if not repairable:
        return
    changed = {line: text for line, text in texts.items() if text != _raw(broken, line)}
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        again = st.button("Read the file again", icon=":material/build:", disabled=not changed, key="read_repaired")
        if changed:
            st.caption(f"{plural(len(changed), 'row')} changed", width="content")
    if again:
        _repair(draft, source, changed, slots)


def _raw(broken: list[Reject], line: int) -> str:
    return next(reject.raw for reject in broken if reject.line == line)


def _repair(draft: DraftRecord, source: SourceRecord, texts: dict[int, str], slots: dict[str, DeltaGenerator]) -> None:
    try:
        fixed = repairs.repair(source.id, texts)
    except StudioError as error:
        if not (isinstance(error, DataError) and show_beside(slots, error)):
            show_error(error)
        return
    renew(save(draft, source_id=fixed.id))
    st.toast(f"{plural(len(texts), 'row')} fixed; the file was read again.", icon=":material/check_circle:")
    st.rerun()
