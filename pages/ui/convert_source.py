"""Steps 1 and 2 of the conversion wizard: the file, and what is in it."""

from __future__ import annotations

import codecs
from typing import Any

import streamlit as st

from core.conversion.analysis import Analysis
from core.errors import NotFound, StudioError
from core.messages import Reject
from core.samples.tables import SAMPLE_TABLE, open_sample_table
from core.services import conversion, drafts, sources
from core.services.drafts import DraftRecord
from core.services.sources import SourceRecord
from pages.ui import face, frame
from pages.ui.boundary import show_error
from pages.ui.convert_draft import IDS, begin, key, renew, save
from pages.ui.format import ago, md, number, plural, sentence, short, size
from pages.ui.uploads import DELIMITERS, drop_zone, notes, unreadable

ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16", "shift_jis", "gb18030", "mac_roman")
TYPES = {
    "categorical": ("category", "blue"),
    "number": ("number", "gray"),
    "text": ("text", "gray"),
    "date": ("date", "gray"),
    "boolean": ("yes or no", "gray"),
}
_SHOWN_DRAFTS = 4


def choose_file() -> None:
    """Step 1: a file, the sample table, or a conversion that was begun earlier."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        face.heading("Your table", "CSV, JSON, JSONL or Parquet, up to 100 MB")
        stored = drop_zone("convert", "A table of any kind")
        if stored is not None:
            begin(stored.id)
        with st.container(
            border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="sample"
        ):
            with st.container(gap=None, width="stretch"):
                st.markdown("**No table at hand?**")
                st.caption("Try it with 24 garden tools of an invented shop: names, materials, prices, descriptions.")
            if st.button("Use the sample table", icon=":material/table:", key="use_sample"):
                with open_sample_table() as stream:
                    source = sources.ingest(stream, SAMPLE_TABLE)
                begin(source.id)
    with side:
        face.heading("Begun earlier")
        _open_drafts()


def _open_drafts() -> None:
    found = [draft for draft in drafts.list_open("convert") if draft.state.get("source_id")]
    if not found:
        with st.container(border=True):
            st.caption("A conversion that you leave halfway is kept here, with its file and every choice.")
        return
    with st.container(border=True, gap="xsmall", key="open_drafts"):
        for index, draft in enumerate(found[:_SHOWN_DRAFTS]):
            if index:
                st.divider()
            _draft_row(draft)
    if len(found) > _SHOWN_DRAFTS:
        st.caption(f"and {len(found) - _SHOWN_DRAFTS} older")


def _draft_row(draft: DraftRecord) -> None:
    try:
        filename = sources.get(draft.state["source_id"]).filename
    except NotFound:
        filename = "a file that is gone"
    place = IDS.index(draft.step) + 1 if draft.step in IDS else 1
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{md(filename, 40)}**")
            st.caption(f"step {place} of {len(IDS)} · {ago(draft.updated_at)}")
        if st.button("", icon=":material/delete:", type="tertiary", help="Discard", key=f"discard_{draft.id}"):
            drafts.discard(draft.id)
            st.rerun()
        if st.button("Continue", key=f"continue_{draft.id}"):
            st.query_params["draft"] = draft.id
            st.rerun()


def analyze_step(draft: DraftRecord, source: SourceRecord, analysis: Analysis) -> tuple[DraftRecord, bool]:
    """Step 2: what was detected, every column, and the suggestion."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        unreadable(source, analysis)
        _columns(analysis)
        with st.expander("First rows, exactly as read", icon=":material/table_rows:"):
            _first_rows(source)
    with side:
        face.heading("How it was read")
        with st.container(border=True, gap="small", key="detected"):
            face.facts(
                [
                    ("File", source.filename),
                    ("Size", size(source.size_bytes)),
                    ("Read as", " · ".join(filter(None, (source.format.upper(), source.encoding)))),
                    ("Rows", number(analysis.total_rows)),
                ]
            )
            notes(source)
            _override(draft, source)
        _suggestion(source, analysis)
    return draft, bool(analysis.columns) and analysis.total_rows > analysis.rejected_rows


def _columns(analysis: Analysis) -> None:
    face.heading("Columns", f"{plural(len(analysis.columns), 'column')} · {plural(analysis.total_rows, 'row')}")
    with st.container(border=True, gap="xsmall", key="columns"):
        for index, column in enumerate(analysis.columns):
            if index:
                st.divider()
            word, color = TYPES.get(column.type, (column.type, "gray"))
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", wrap=False
            ):
                with st.container(gap=None, width="stretch"):
                    st.markdown(f"**{md(column.name, 60) or '(no name)'}**")
                    empties = f" · :orange[{number(column.empty)} empty]" if column.empty else ""
                    st.caption(f"{number(column.distinct)} distinct{empties}")
                    samples = " · ".join(md(str(sample), 48) for sample in column.samples[:3] if str(sample).strip())
                    if samples:
                        st.caption(f"e.g. {samples}")
                st.badge(word, color=color)  # type: ignore[arg-type]


def _first_rows(source: SourceRecord) -> None:
    rows: list[dict[str, Any]] = []
    for row in sources.rows(source.id, limit=20):
        if isinstance(row, Reject):
            rows.append({"line": row.line, "not readable": short(row.raw, 200)})
        else:
            rows.append({"line": row.line, **{str(name): _cell(value) for name, value in row.fields.items()}})
    st.dataframe(rows, hide_index=True, alt="The first rows of the file with their line numbers", key="first_rows")


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _override(draft: DraftRecord, source: SourceRecord) -> None:
    found = source.detection
    if found.encoding is None:
        return
    with st.expander("Read it in another way", icon=":material/tune:"), st.form(key(draft, "override"), border=False):
        choices = [found.encoding, *(name for name in ENCODINGS if not _same_encoding(name, found.encoding))]
        overrides: dict[str, Any] = {"encoding": st.selectbox("Encoding", choices, key=key(draft, "encoding"))}
        if found.format == "csv":
            marks = dict.fromkeys([found.delimiter or ",", *DELIMITERS])
            overrides["delimiter"] = st.selectbox(
                "Columns are separated by",
                list(marks),
                format_func=lambda mark: DELIMITERS.get(mark, repr(mark)),
                key=key(draft, "delimiter"),
            )
            overrides["header"] = st.toggle(
                "The first row holds the names", value=found.header is not False, key=key(draft, "header")
            )
            overrides["skip_lines"] = st.number_input(
                "Lines to skip at the top", 0, 1000, found.skip_lines, key=key(draft, "skip_lines")
            )
        if not st.form_submit_button("Read again"):
            return
        try:
            sources.set_detection(source.id, overrides)
        except StudioError as error:
            show_error(error)
        else:
            renew(save(draft, template=None, mapping={}, options={}))
            st.rerun()


def _template_title(template_id: str) -> str:
    return next((item.title for item in conversion.templates() if item.id == template_id), template_id)


def _same_encoding(one: str, other: str) -> bool:
    return codecs.lookup(one).name == codecs.lookup(other).name


def _suggestion(source: SourceRecord, analysis: Analysis) -> None:
    if analysis.shape:
        face.heading("Suggestion")
        with st.container(border=True, gap="small", key="shape_hint"):
            st.markdown(f"{face.badge_md('✓ Supervised', 'green')} The columns are a known shape: `{analysis.shape}`.")
            st.caption("It can become a dataset as it is, without the next steps.")
            if st.button("Make the dataset directly", key="direct"):
                st.switch_page(frame.page_file("upload"), query_params={"source": source.id})
        return
    suggestion = analysis.suggestion
    if suggestion is None:
        return
    face.heading("Suggestion")
    with st.container(border=True, gap="small", key="suggestion"):
        face.facts(
            [
                ("Template", _template_title(suggestion.template)),
                ("Key column", suggestion.key or "–"),
                ("Target column", suggestion.target or "–"),
                ("Included", ", ".join(suggestion.include) or "–"),
            ]
        )
        reason = getattr(suggestion, "reason", "")
        st.caption(sentence(reason) if reason else "A starting point; you can change all of it in Configure.")
