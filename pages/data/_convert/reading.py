"""How the file is read: each option with the detected value, and a preview of the rows before a change is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.messages import Row
from core.services.data import sources
from core.services.data.sources import ReadingChoice, SourcePreview, SourceRecord
from core.services.platform.drafts import DraftRecord
from pages.ui.errors import field_error, show_beside
from pages.ui.format import md, plural, sentence, short
from pages.ui.wizard.draft_state import key, renew, save

ROWS = 12
_REJECTS = 3
_MAX_COLUMNS = 60


@st.fragment
def reading_panel(draft: DraftRecord, source: SourceRecord, attention: bool) -> None:
    """The reading options and their preview; open from the start when the file offers a choice or needs attention."""
    detection = source.detection
    several = len(detection.sheets) > 1 or len(detection.arrays) > 1
    with st.expander(
        "Change how the file is read",
        expanded=several or attention,
        icon=":material/tune:",
        key=f"reading_{draft.id}",
        on_change="rerun",
    ) as panel:
        if panel.open:
            _choices(draft, source)


def _choices(draft: DraftRecord, source: SourceRecord) -> None:
    options = sources.choices(source.id)
    chosen: dict[str, Any] = st.session_state.setdefault(
        key(draft, "chosen"), {choice.id: choice.current for choice in options if choice.is_changed}
    )
    preview: SourcePreview | None = None
    problem: StudioError | None = None
    try:
        preview = sources.preview_rows(source.id, chosen, ROWS)
        options = preview.choices
    except StudioError as error:
        problem = error
    slots: dict[str, DeltaGenerator] = {}
    with st.grid(3, min_column_width=200, gap=("small", "medium")):
        for choice in options:
            with st.container(gap="xxsmall"):
                _widget(draft, choice, chosen)
                slots[choice.id] = st.empty()
    if problem and not show_beside(slots, problem):
        field_error(problem)
    if preview is not None:
        _preview(preview)
    changed = _differs(chosen, source)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if st.button("Apply", icon=":material/check:", disabled=bool(problem) or not changed, key="read_this_way"):
            save_reading(draft, source, chosen)
        if chosen:
            st.button("As detected", type="tertiary", key="read_as_detected", on_click=chosen.clear)
        if changed and not problem:
            st.caption("A preview. Nothing changes until you press the button.", width="content")


def _widget(draft: DraftRecord, choice: ReadingChoice, chosen: dict[str, Any]) -> None:
    """The widget of one option. An option that was not changed follows the detection."""
    name = key(draft, f"read_{choice.id}")
    if choice.id not in chosen:
        st.session_state[name] = choice.current

    def note() -> None:
        chosen[choice.id] = st.session_state[name]

    def note_names() -> None:
        chosen[choice.id] = tuple(part.strip() for part in st.session_state[name].split(",") if part.strip())

    by_value = {option.value: option for option in choice.options}
    option = by_value.get(choice.detected)
    detected = option.title if option else choice.detected
    text = by_value[choice.current].text if choice.current in by_value else ""
    help_text = choice.help + (f"\n\nDetected: {detected}" if detected not in (None, "") else "")
    if isinstance(choice.current, tuple) and not choice.options:
        st.session_state[name] = ", ".join(chosen.get(choice.id, choice.current))
        st.text_input(choice.title, key=name, on_change=note_names, help=choice.help, placeholder="As in the file")
        return
    if not choice.options:
        st.number_input(choice.title, 0, 1000, step=1, key=name, on_change=note, help=help_text)
        return
    st.selectbox(
        choice.title,
        list(by_value),
        format_func=lambda value: by_value[value].title if value in by_value else str(value),
        accept_new_options=choice.is_free,
        key=name,
        on_change=note,
        help=help_text,
    )
    if text:
        st.caption(text)


def _preview(preview: SourcePreview) -> None:
    """The first rows as they would be read, and the first rejects."""
    for line in preview.detection.preamble[:3]:
        st.caption(f":material/vertical_align_top: skipped above the header: {md(short(line, 120))}")
    if preview.rows:
        rows_table(preview.rows, "seen_rows")
    else:
        st.markdown(":orange[:material/warning: No row can be read with these options.]")
    if preview.rejects:
        many = "or more " if len(preview.rejects) >= ROWS else ""
        st.caption(f":orange[:material/block: {plural(len(preview.rejects), 'row')} {many}would be left out]")
        for reject in preview.rejects[:_REJECTS]:
            reason = sentence(reject.findings[0].message) if reject.findings else ""
            st.caption(f"line {reject.line:,}: {reason}")


def rows_table(rows: list[Row], name: str) -> None:
    """Rows with their line numbers."""
    table = [
        {
            "line": row.line,
            **{str(column): cell_shown(value) for column, value in list(row.fields.items())[:_MAX_COLUMNS]},
        }
        for row in rows
    ]
    st.dataframe(table, hide_index=True, alt="The first rows of the file with their line numbers", key=name)


def cell_shown(value: object) -> str:
    """A cell as text for a table; objects and lists as JSON."""
    return short(sources.cell_text(value), 500)


def _differs(chosen: Mapping[str, Any], source: SourceRecord) -> bool:
    """Whether the chosen options differ from the saved ones."""
    now = {choice.id: choice.current for choice in sources.choices(source.id) if choice.is_changed}
    return dict(chosen) != now


def save_reading(draft: DraftRecord, source: SourceRecord, chosen: Mapping[str, Any]) -> None:
    """Read the file in another way from now on, and draw the step again."""
    try:
        sources.set_detection(source.id, chosen)
    except StudioError as error:
        field_error(error)
        return
    st.session_state.pop(key(draft, "chosen"), None)
    renew(save(draft, "analyze", template=None, mapping={}, options={}, kept={}, smart=None))
    st.toast("The file was read again.", icon=":material/check_circle:")
    st.rerun()
