"""The worklist: one card per issue with its count, the reason it matters, its fixes, and its examples."""

from __future__ import annotations

import streamlit as st

from core.messages import SPLIT_TITLES
from core.services.data import datasets, quality
from core.services.data.datasets import DatasetRecord
from core.services.data.datasets.operations import DropRows, Move, Operation
from core.services.data.quality import Action, IssueGroup, QualityReport
from pages.data._datasets import examples as dataset_examples
from pages.data._datasets.editing import change as dataset_change
from pages.data._shared.severity import severity_badge
from pages.ui import components
from pages.ui.errors import boundary
from pages.ui.examples import example_view
from pages.ui.format import plural, sentence

PER_PAGE = 5


def worklist(dataset: DatasetRecord, report: QualityReport) -> None:
    """Draw every issue of the report, the most serious first."""
    serious = sum(issue.severity == "error" for issue in report.issues)
    aside = f"{serious:,} serious first" if serious else "the most important first"
    components.heading("Worklist", f"{plural(len(report.issues), 'issue')} · {aside}" if report.issues else None)
    if not report.issues:
        with st.container(border=True, horizontal_alignment="center", gap="xsmall", key="nothing_to_do"):
            st.space("small")
            components.large_icon("check_circle", "nothing_to_do", "green")
            st.markdown("**Nothing to do**", width="content")
            st.caption("Every check passed.", text_alignment="center")
            st.space("small")
        return
    for issue in report.issues:
        _issue(dataset, issue)


def _issue(dataset: DatasetRecord, issue: IssueGroup) -> None:
    with st.container(border=True, gap="xsmall", key=f"issue_{issue.code}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{sentence(issue.title)}** :small[{severity_badge(issue.severity)}]", width="stretch")
            if issue.count:
                st.markdown(f"**{plural(issue.count, 'example')}**", width="content")
        st.markdown(sentence(issue.message))
        st.caption(sentence(issue.remedy))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            for action in issue.actions:
                if action.one_click:
                    _fix_button(dataset, issue, action)
            is_open = bool(issue.count) and _look(dataset, issue)
        if is_open:
            _rows(dataset, issue)


def _look(dataset: DatasetRecord, issue: IssueGroup) -> bool:
    """Whether the examples of an issue are shown; draws the button that shows and hides them."""
    key = f"look_{dataset.id}_{issue.code}"
    is_open = bool(st.session_state.get(key))
    label = "Hide" if is_open else f"Show {plural(issue.count, 'example')}"
    if st.button(
        label,
        icon=":material/expand_less:" if is_open else ":material/expand_more:",
        type="tertiary",
        key=f"rows_{issue.code}",
    ):
        st.session_state[key] = not is_open
        st.rerun()
    return is_open


def _fix_button(dataset: DatasetRecord, issue: IssueGroup, action: Action) -> None:
    """The button of a fix; its title says how many examples it changes."""
    if not st.button(
        sentence(action.title),
        icon=f":material/{action.icon or 'auto_fix_high'}:",
        help=f"{action.text} Creates version {dataset.version.number + 1}; you can undo it.",
        key=f"fix_{issue.code}_{action.id}",
    ):
        return
    with boundary():
        _apply(dataset, quality.operation_for(dataset.version.id, issue.code, action.id), issue.title)


def _apply(dataset: DatasetRecord, operation: Operation, why: str) -> None:
    with st.spinner("Creating the new version…"):
        changed = dataset_change.apply(dataset, operation, f"Worklist: {why}")
    if changed:
        st.rerun()


def _rows(dataset: DatasetRecord, issue: IssueGroup) -> None:
    """The examples of an issue, grouped, with the relevant text marked."""
    key = f"issue_page_{dataset.version.id}_{issue.code}"
    current = int(st.session_state.get(key, 1))
    page = quality.rows(dataset.version.id, issue.code, (current - 1) * PER_PAGE, PER_PAGE)
    last_group = None
    for row in page.rows:
        st.divider()
        if row.group is not None and row.group >= 0 and row.group != last_group:
            last_group = row.group
            st.caption(f"Group of example {row.group + 1:,}")
        badges = [components.badge_md(SPLIT_TITLES[row.split])] if row.split != "train" else []
        badges += [] if row.subject else [components.badge_md("for comparison")]
        # The key names the version: a click on a row of an outdated version does nothing.
        name = f"{issue.code}_{dataset.version.number}_{row.position}"
        with example_view.card(
            row.messages,
            key=f"issue_{name}",
            note=f"Example {row.position + 1:,}",
            badge=" ".join(badges),
            limit=600,
            spans=row.spans,
            border=False,  # the card of the issue has one
        ):
            if st.button("Edit", icon=":material/edit:", type="tertiary", key=f"fix_edit_{name}"):
                items = datasets.examples_at(dataset.version.id, [row.position])
                if items:
                    dataset_examples.edit(dataset, items[0])
            if row.split == "validation" and st.button(
                "To training", icon=":material/move_item:", type="tertiary", key=f"fix_move_{name}"
            ):
                _apply(dataset, Move(positions=(row.position,), split="train"), issue.title)
            if st.button("Drop", icon=":material/delete:", type="tertiary", key=f"fix_drop_{name}"):
                _apply(dataset, DropRows(positions=(row.position,)), issue.title)
        if row.detail:
            st.caption(f":material/subdirectory_arrow_right: {sentence(row.detail)}")
    components.pages(page.total, PER_PAGE, key=key)
