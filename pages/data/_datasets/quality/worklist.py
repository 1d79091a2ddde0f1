"""The worklist: every issue a card with its count, why it matters, its examples opened in place, and its remedies."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.data import datasets, quality
from core.services.data.datasets import DatasetRecord
from core.services.data.datasets.operations import DropRows, Move, Operation
from core.services.data.quality import Action, IssueGroup, QualityReport
from pages.data._datasets import examples as dataset_examples
from pages.data._datasets.editing import change as dataset_change
from pages.data._datasets.editing.change import severity_badge
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.examples import example_view
from pages.ui.format import plural, sentence

PER_PAGE = 5


def worklist(dataset: DatasetRecord, report: QualityReport) -> None:
    """Every issue of the report, the gravest first."""
    grave = sum(issue.severity == "error" for issue in report.issues)
    aside = f"{plural(grave, 'serious one')} first" if grave else "by how much it matters"
    components.heading("Worklist", f"{plural(len(report.issues), 'issue')} · {aside}" if report.issues else None)
    if not report.issues:
        with st.container(border=True, horizontal_alignment="center", gap="xsmall", key="nothing_to_do"):
            st.space("small")
            st.markdown("# :green[:material/check_circle:]", width="content", anchors=False)
            st.markdown("**Nothing to do**", width="content")
            st.caption("Every check passed. These examples can be trusted.", text_alignment="center")
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
                    _remedy(dataset, issue, action)
            is_open = bool(issue.count) and _look(dataset, issue)
        if is_open:
            _rows(dataset, issue)


def _look(dataset: DatasetRecord, issue: IssueGroup) -> bool:
    """Whether the examples of an issue are shown in place; a button shows and hides them."""
    key = f"look_{dataset.id}_{issue.code}"
    is_open = bool(st.session_state.get(key))
    words = "Hide" if is_open else "Look at it" if issue.count == 1 else f"Look at the {issue.count:,}"
    if st.button(
        words,
        icon=":material/expand_less:" if is_open else ":material/expand_more:",
        type="tertiary",
        key=f"rows_{issue.code}",
    ):
        st.session_state[key] = not is_open
        st.rerun()
    return is_open


def _remedy(dataset: DatasetRecord, issue: IssueGroup, action: Action) -> None:
    """The button of a remedy: it says how many examples it changes, acts at once, and can be undone."""
    if not st.button(
        sentence(action.title),
        icon=_ICONS.get(action.id, ":material/auto_fix_high:"),
        help=f"{action.text} Makes version {dataset.version.number + 1}; it can be undone.",
        key=f"fix_{issue.code}_{action.id}",
    ):
        return
    try:
        operation = quality.operation_for(dataset.version.id, issue.code, action.id)
    except StudioError as error:
        show_error(error)
        return
    _do(dataset, operation, issue.title)


_ICONS = {
    "drop": ":material/delete_sweep:",
    "drop_copies": ":material/content_copy:",
    "keep_longest": ":material/content_copy:",
    "keep_common": ":material/done_all:",
    "redact": ":material/visibility_off:",
    "move_to_train": ":material/move_item:",
    "repair": ":material/healing:",
    "neutralise": ":material/code_off:",
}


def _do(dataset: DatasetRecord, operation: Operation, why: str) -> None:
    with st.spinner("Making the new version…"):
        done = dataset_change.apply(dataset, operation, f"Worklist: {why}")
    if done:
        st.rerun()


def _rows(dataset: DatasetRecord, issue: IssueGroup) -> None:
    """The examples of an issue, grouped where they belong together, with the offending part marked."""
    key = f"issue_page_{dataset.version.id}_{issue.code}"
    current = int(st.session_state.get(key, 1))
    page = quality.rows(dataset.version.id, issue.code, (current - 1) * PER_PAGE, PER_PAGE)
    last_group = None
    for row in page.rows:
        st.divider()
        if row.group is not None and row.group >= 0 and row.group != last_group:
            last_group = row.group
            st.caption(f"These belong together (with example {row.group + 1:,})")
        badges = [components.badge_md("Held out")] if row.split == "validation" else []
        badges += [] if row.subject else [components.badge_md("for comparison")]
        # The version is part of the name: a click on a row of a version that is the newest no more does nothing.
        name = f"{issue.code}_{dataset.version.number}_{row.position}"
        with example_view.card(
            row.messages,
            key=f"issue_{name}",
            note=f"Example {row.position + 1:,}",
            badge=" ".join(badges),
            limit=600,
            spans=row.spans,
            border=False,  # it stands in the card of its issue
        ):
            if st.button("Edit", icon=":material/edit:", type="tertiary", key=f"fix_edit_{name}"):
                found = datasets.examples_at(dataset.version.id, [row.position])
                if found:
                    dataset_examples.edit(dataset, found[0])
            if row.split == "validation" and st.button(
                "To training", icon=":material/move_item:", type="tertiary", key=f"fix_move_{name}"
            ):
                _do(dataset, Move(positions=(row.position,), split="train"), issue.title)
            if st.button("Drop", icon=":material/delete:", type="tertiary", key=f"fix_drop_{name}"):
                _do(dataset, DropRows(positions=(row.position,)), issue.title)
        if row.detail:
            st.caption(f":material/subdirectory_arrow_right: {sentence(row.detail)}")
    pages = -(-page.total // PER_PAGE)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=key)
