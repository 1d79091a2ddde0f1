"""Step 2 of Convert data: how the file was read, its columns, and the suggested template."""

from __future__ import annotations

import streamlit as st

from core.messages import Row
from core.services.data import conversion, sources
from core.services.data.sources import Analysis, SourceRecord
from core.services.platform.drafts import DraftRecord
from pages.data._convert.reading import reading_panel, rows_table, save_reading
from pages.data._convert.repair import repair_panel
from pages.data._convert.why import show_warnings
from pages.data._shared.uploads import chat_log_note, notes, raw_text_note, unreadable
from pages.ui import components, navigation
from pages.ui.format import md, number, plural, sentence, short, size

TYPES = {
    "categorical": ("category", "blue"),
    "number": ("number", "gray"),
    "text": ("text", "gray"),
    "date": ("date", "gray"),
    "boolean": ("yes or no", "gray"),
    "json": ("nested", "gray"),
    "empty": ("empty", "orange"),
}
_SHOWN_COLUMNS = 30


def analyze_step(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Draw the step: reading options, broken rows, columns, suggestion. True when the file has rows and columns."""
    broken = unreadable(source, analysis, count=False)
    reading_panel(draft, source, attention=broken)
    repair_panel(draft, source, analysis)
    components.section_gap()
    main, side = st.columns([8, 5], gap="medium")
    with main:
        _columns(analysis)
        with st.expander("First rows as read", icon=":material/table_rows:"):
            _first_rows(source)
    with side:
        components.heading("How it was read")
        with st.container(border=True, gap="small", key="detected"):
            components.facts(
                [
                    ("File", source.filename),
                    ("Size", size(source.size_bytes)),
                    *source.facts,
                    ("Rows", number(analysis.total_rows)),
                ]
            )
            notes(source)
            show_warnings(analysis.findings)
        _suggestion(draft, source, analysis)
    return draft, bool(analysis.columns) and not broken


def _columns(analysis: Analysis) -> None:
    components.heading("Columns", f"{plural(len(analysis.columns), 'column')} · {plural(analysis.total_rows, 'row')}")
    with st.container(border=True, gap="xsmall", key="columns"):
        for column in components.divided(analysis.columns[:_SHOWN_COLUMNS]):
            word, color = ("id", "gray") if column.content.identifier else TYPES.get(column.type, (column.type, "gray"))
            word, color = ("personal data", "orange") if column.is_personal else (word, color)
            with components.spread(wrap=False):
                with st.container(gap=None, width="stretch"):
                    st.markdown(f"**{md(column.name, 60) or '(no name)'}**")
                    empties = f" · :orange[{number(column.empty)} empty]" if column.empty else ""
                    st.caption(f"{number(column.distinct)} distinct{empties}")
                    samples = " · ".join(md(str(sample), 48) for sample in column.samples[:3] if str(sample).strip())
                    if samples:
                        st.caption(f"e.g. {samples}")
                st.badge(word, color=color)  # type: ignore[arg-type]
    if len(analysis.columns) > _SHOWN_COLUMNS:
        st.caption(f"and {number(len(analysis.columns) - _SHOWN_COLUMNS)} more columns")


def _first_rows(source: SourceRecord) -> None:
    rows_table([row for row in sources.rows(source.id, limit=20) if isinstance(row, Row)], "first_rows")


DIRECT_SYSTEM = (
    "Without the next steps the examples have the system messages of the file, if it has any. The step Configure can "
    "give every example one."
)


def _suggestion(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> None:
    if analysis.shape:
        components.heading("Suggestion")
        with st.container(border=True, gap="small", key="shape_hint"):
            st.markdown(
                f"{components.badge_md('✓ Supervised', 'green')} The columns match a known shape: `{analysis.shape}`."
            )
            st.caption("Upload can create the dataset from it without the next steps. The file goes along.")
            st.caption(f":material/info: {DIRECT_SYSTEM}")
            navigation.button(
                "Continue in Upload", "upload", {"source": source.id}, icon=":material/upload_file:", key="direct"
            )
        return
    if raw := conversion.raw_text(analysis):
        components.heading("Suggestion")
        with st.container(border=True, gap="small", key="raw_text"):
            raw_text_note(raw)
        return
    suggestion = analysis.best
    if suggestion is None:
        return
    components.heading("Suggestion")
    chat_log_note(source)
    with st.container(border=True, gap="small", key="suggestion"):
        mapping, system = suggestion.mapping.to_dict(), suggestion.options.get("system")
        components.facts(
            [
                ("Template", conversion.template_title(suggestion.template)),
                *conversion.columns_by_part(suggestion.template, mapping),
                *([("System message", short(system, 200))] if system else []),
            ]
        )
        st.caption(f":material/lightbulb: {sentence(suggestion.reason)}")
        show_warnings(conversion.warnings(analysis, suggestion.template, mapping, suggestion.options))
        if analysis.flattened:
            st.caption("These columns are inside of nested fields.")
            if st.button("Read nested fields as columns", icon=":material/view_column:", key="flatten"):
                changed = {choice.id: choice.current for choice in sources.choices(source.id) if choice.is_changed}
                save_reading(draft, source, {**changed, "nested": "flatten"})
