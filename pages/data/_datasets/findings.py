"""The Findings tab: each finding with its place, its message and what to do."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.messages import Finding
from core.services.data import chat_import, datasets, quality
from core.services.data.datasets import DatasetRecord
from pages.data._shared.account import rows_of_version
from pages.data._shared.severity import severity_badge
from pages.ui import components
from pages.ui.downloads import download
from pages.ui.format import md, plural, sentence, short

FINDINGS_PER_PAGE = 25
_NAMES = {"all": "All", "error": "Errors", "warning": "Warnings", "info": "Notes", datasets.LEFT_OUT: "Rows left out"}


def findings(dataset: DatasetRecord) -> None:
    """Draw the tab: the rows left out with their reasons, then what was found about the examples, by severity."""
    version = dataset.version
    rows_of_version(version)
    if dataset.origin == "chat_import":
        _left_out(dataset)
    by_severity = datasets.findings_by_severity(version.id)
    total, left_out = sum(by_severity.values()), version.rows_left_out
    if not total:
        st.markdown(":green[:material/check_circle:] Every check passed. There are no findings about the examples.")
        if not left_out:
            return
    counts = {"all": total, **by_severity, datasets.LEFT_OUT: left_out}
    names = {
        "all": "All",
        "error": "Errors",
        "warning": "Warnings",
        "info": "Notes",
        datasets.LEFT_OUT: "Rows left out",
    }
    titles = {name: f"{title} {counts[name]:,}" for name, title in names.items() if counts[name]}
    severity = components.switch("Severity", titles, key="severity")
    current = int(st.session_state.get(f"findings_{severity}", 1))
    chosen, first = None if severity == "all" else severity, (current - 1) * FINDINGS_PER_PAGE
    items = datasets.findings(version.id, FINDINGS_PER_PAGE, chosen, first)
    if severity == datasets.LEFT_OUT:
        components.heading(md(version.left_out_text), "None of this is in the dataset")
    else:
        codes = list(datasets.finding_counts(version.id).items())[:4]
        most = [f"{md(quality.issue_title(code))} {n:,}" for code, n in codes]
        components.heading(plural(counts[severity], "finding"), " · ".join(most))
    with st.container(border=True, gap="small", key="finding_list"):
        for item in components.divided(items):
            finding_row(item)
    components.pages(counts[severity], FINDINGS_PER_PAGE, key=f"findings_{severity}")


def _left_out(dataset: DatasetRecord) -> None:
    """The messages that the import of conversations left out."""
    first = f"{dataset.id}-v1"
    try:
        some = next(chat_import.left_out(first), None)
    except StudioError:  # imported before such files were stored
        return
    if some:
        st.markdown(f":orange[:material/block:] **{md(dataset.version.left_out_text)}**")
        download(
            "Download the messages left out",
            lambda: chat_import.left_out(first),
            file_name="left-out.jsonl",
            mime="application/jsonl",
            key="download_left_out",
        )


def finding_row(item: Finding) -> None:
    """One finding: severity, place, message, remedy, and the offending text verbatim."""
    place = [f"line {item.line:,}"] if item.line else []
    if item.field:
        place.append(md(item.field, 60))
    if item.rows:
        lines = ", ".join(f"{line:,}" for line in item.rows[:8])
        place.append(f"lines {lines}{' …' if len(item.rows) > 8 else ''}")
    with st.container(gap="xxsmall"):
        st.markdown(f":small[{severity_badge(item.severity)} :gray[{' · '.join(place)}]]")
        st.markdown(sentence(item.message))
        remedy = f"{sentence(item.remedy)} " if item.remedy else ""
        st.caption(f"{remedy}`{item.code}`")
        if item.raw:
            st.code(short(item.raw, 400), language=None, wrap_lines=True)
