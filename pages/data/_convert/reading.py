"""How the file is read: every choice with what was detected, overruled with a look at the rows before it is kept."""

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
    """The choices and what comes of them. Open at once where there is something to choose or something went wrong."""
    found = source.detection
    several = len(found.sheets) > 1 or len(found.arrays) > 1
    with st.expander(
        "Read it in another way",
        expanded=several or attention,
        icon=":material/tune:",
        key=f"reading_{draft.id}",
        on_change="rerun",
    ) as panel:
        if panel.open:
            _choices(draft, source)


def _choices(draft: DraftRecord, source: SourceRecord) -> None:
    kept = sources.choices(source.id)
    chosen: dict[str, Any] = st.session_state.setdefault(
        key(draft, "chosen"), {choice.id: choice.current for choice in kept if choice.is_changed}
    )
    preview: SourcePreview | None = None
    problem: StudioError | None = None
    try:
        preview = sources.preview_rows(source.id, chosen, ROWS)
        kept = preview.choices
    except StudioError as error:
        problem = error
    slots: dict[str, DeltaGenerator] = {}
    with st.grid(3, min_column_width=200, gap=("small", "medium")):
        for choice in kept:
            with st.container(gap="xxsmall"):
                _widget(draft, choice, chosen)
                slots[choice.id] = st.empty()
    if problem and not show_beside(slots, problem):
        field_error(problem)
    if preview is not None:
        _seen(preview)
    changed = _differs(chosen, source)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if st.button(
            "Read it this way", icon=":material/check:", disabled=bool(problem) or not changed, key="read_this_way"
        ):
            _keep(draft, source, chosen)
        if chosen:
            st.button("As detected", type="tertiary", key="read_as_detected", on_click=chosen.clear)
        if changed and not problem:
            st.caption("A look only, until you press the button.", width="content")


def _widget(draft: DraftRecord, choice: ReadingChoice, chosen: dict[str, Any]) -> None:
    """One choice. What nobody touched follows what is detected beside the other choices."""
    name = key(draft, f"read_{choice.id}")
    if choice.id not in chosen:
        st.session_state[name] = choice.current

    def note() -> None:
        chosen[choice.id] = st.session_state[name]

    by_value = {option.value: option for option in choice.options}
    told = by_value.get(choice.detected)
    detected = told.title if told else choice.detected
    text = by_value[choice.current].text if choice.current in by_value else ""
    help_text = f"Detected: {detected}" if detected not in (None, "") else None
    if not choice.options:
        st.number_input(choice.title, 0, 1000, step=1, key=name, on_change=note, help=help_text)
        return
    st.selectbox(
        choice.title,
        list(by_value),
        format_func=lambda value: by_value[value].title,
        key=name,
        on_change=note,
        help=help_text,
    )
    if text:
        st.caption(text)


def _seen(preview: SourcePreview) -> None:
    """The first rows as they would be read, and the first that could not be."""
    found = preview.detection
    for line in found.preamble[:3]:
        st.caption(f":material/vertical_align_top: left out above the header: {md(short(line, 120))}")
    if preview.rows:
        rows_table(preview.rows, "seen_rows")
    else:
        st.markdown(":orange[:material/warning: No row can be read this way.]")
    if preview.rejects:
        many = "or more " if len(preview.rejects) >= ROWS else ""
        st.caption(f":orange[:material/block: {plural(len(preview.rejects), 'row')} {many}would be left out]")
        for reject in preview.rejects[:_REJECTS]:
            said = sentence(reject.findings[0].message) if reject.findings else ""
            st.caption(f"line {reject.line:,}: {said}")


def rows_table(rows: list[Row], name: str) -> None:
    """Rows with their line numbers, cells as they stand."""
    table = [
        {
            "line": row.line,
            **{str(column): cell_shown(value) for column, value in list(row.fields.items())[:_MAX_COLUMNS]},
        }
        for row in rows
    ]
    st.dataframe(table, hide_index=True, alt="The first rows of the file with their line numbers", key=name)


def cell_shown(value: object) -> str:
    """A cell as text, for a table on the screen."""
    return short(value if isinstance(value, str) else "" if value is None else str(value), 500)


def _differs(chosen: Mapping[str, Any], source: SourceRecord) -> bool:
    """Whether what is chosen would read the file in another way than now."""
    now = {choice.id: choice.current for choice in sources.choices(source.id) if choice.is_changed}
    return dict(chosen) != now


def _keep(draft: DraftRecord, source: SourceRecord, chosen: Mapping[str, Any]) -> None:
    try:
        sources.set_detection(source.id, chosen)
    except StudioError as error:
        field_error(error)
        return
    st.session_state.pop(key(draft, "chosen"), None)
    renew(save(draft, template=None, mapping={}, options={}, kept={}, smart=None))
    st.toast("The file is read anew.", icon=":material/check_circle:")
    st.rerun()
