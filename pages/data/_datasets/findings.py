"""The Findings tab: each finding with its place, its message and what to do."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.messages import Finding
from core.services.data import chat_import, datasets, quality
from core.services.data.datasets import DatasetRecord
from pages.data._shared.severity import severity_badge
from pages.ui import components
from pages.ui.downloads import download
from pages.ui.format import md, plural, sentence, short

FINDINGS_PER_PAGE = 25


def findings(dataset: DatasetRecord) -> None:
    """Draw the tab: rejected rows, then findings by severity."""
    version = dataset.version
    rejects = version.manifest.counts.rejects
    if rejects:
        with components.spread(border=True, key="rejects"):
            st.markdown(f"**{plural(rejects, 'row')} could not become an example.** :gray[Download them to fix them.]")
            download(
                "Download rejected rows",
                lambda: datasets.rejects(version.id),
                file_name=f"{dataset.name}-rejects.jsonl",
                mime="application/jsonl",
                key="download_rejects",
            )
    if dataset.origin == "chat_import":
        _left_out(dataset)
    by_code = datasets.finding_counts(version.id)
    total = sum(by_code.values())
    if not total:
        st.markdown(":green[:material/check_circle:] Every check passed. There are no findings.")
        return
    names = {"all": "All", "error": "Errors", "warning": "Warnings", "info": "Notes"}
    severity = components.switch("Severity", names, key="severity", default="all")
    chosen = None if severity == "all" else severity
    by_severity = version.manifest.findings
    count = total if chosen is None else int(by_severity.get(chosen, 0))
    current = int(st.session_state.get(f"findings_{severity}", 1))
    items = datasets.findings(version.id, FINDINGS_PER_PAGE, chosen, (current - 1) * FINDINGS_PER_PAGE)
    if not items:
        st.caption("There are no findings of this severity.")
        return
    most = [f"{md(quality.issue_title(code))} {n:,}" for code, n in list(by_code.items())[:4]]
    components.heading(plural(count, "finding"), " · ".join(most))
    with st.container(border=True, gap="small", key="finding_list"):
        for item in components.divided(items):
            finding_row(item)
    components.pages(count, FINDINGS_PER_PAGE, key=f"findings_{severity}")


def _left_out(dataset: DatasetRecord) -> None:
    """The messages that the import of conversations left out, on the version it created."""
    if dataset.version.number > 1:
        return
    try:
        some = next(chat_import.left_out(dataset.version.id), None)
    except StudioError:  # imported before such files were stored
        return
    if some:
        download(
            "Download the messages left out",
            lambda: chat_import.left_out(dataset.version.id),
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
