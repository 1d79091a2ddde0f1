"""The Examples tab: search, filters, pages of cards, or a table to edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import streamlit as st

from core.messages import SPLIT_TITLES
from core.services.data import datasets, quality
from core.services.data.datasets import DatasetRecord, ExampleRecord
from core.services.data.datasets.operations import DropRows, EditRows, Filter, message_dicts
from pages.data._datasets import wrote
from pages.data._datasets.editing import (
    beside,
    by_hand,
    change as dataset_change,
    grid as dataset_grid,
    operations as dataset_operations,
)
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.examples import example_view
from pages.ui.format import md, number, plural, short

PER_PAGE = 10


def examples(dataset: DatasetRecord) -> None:
    """Draw the tab."""
    by_hand.pending(dataset)
    _linked(dataset)
    chosen, table = _choices(dataset)
    dataset_operations.toolbar(dataset)
    if chosen:
        _filtered(dataset, chosen)
    if table:
        dataset_grid.grid(dataset, chosen)
        return
    _cards(dataset, chosen)


def _linked(dataset: DatasetRecord) -> None:
    """The example that the address names (`?example=16`), above all others."""
    position = st.query_params.get("example", "")
    if not position.isdigit():
        return
    items = datasets.examples_at(dataset.version.id, [int(position)])
    with st.container(gap="xsmall", key="linked"):
        with components.spread():
            st.markdown("**The linked example**" if items else "This example no longer exists.")
            if st.button("Show all examples", icon=":material/close:", type="tertiary", key="leave_linked"):
                del st.query_params["example"]
                st.rerun()
        for item, known in _with_provenance(dataset, items):
            _card(dataset, item, known, "linked_")


def _choices(dataset: DatasetRecord) -> tuple[dict[str, Any], bool]:
    """The chosen filter (values of a `Filter`), and whether the table is chosen."""
    version = dataset.version
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="example_choices"):
        search = st.text_input(
            "Search",
            placeholder="Search in inputs and outputs",
            label_visibility="collapsed",
            icon=":material/search:",
            key="example_search",
            width=320,
        )
        chosen: dict[str, Any] = {"search": search} if search else {}
        if len(version.parts) > 1:
            names: dict[str, str] = {"": "All"} | {split: SPLIT_TITLES[split] for split in version.parts}
            if part := components.switch("Part", names, key="example_split"):
                chosen["split"] = part
        with st.popover("More filters", icon=":material/filter_alt:", key="more_filters"):
            chosen |= _more(dataset)
        st.space("stretch")
        views = {"cards": ":material/view_agenda: Cards", "table": ":material/table_rows: Table"}
        view = components.switch("View", views, key="example_view")
    return chosen, view == "table"


def _more(dataset: DatasetRecord) -> dict[str, Any]:
    """Filters by finding, output and length."""
    stats = datasets.statistics(dataset.version.id)
    counts_by_code = datasets.finding_counts(dataset.version.id)
    out: dict[str, Any] = {}
    if counts_by_code:
        flags = st.multiselect(
            "Findings",
            list(counts_by_code),
            format_func=quality.issue_title,
            placeholder="Has any of these findings",
            key="filter_flags",
        )
        if flags:
            out["flags"] = tuple(flags)
    if stats.labels:
        counts = {label.text: label.count for label in stats.labels}
        labels = st.multiselect(
            "Outputs",
            list(counts),
            format_func=lambda text: f"{short(text, 60)} ({counts[text]:,})",
            placeholder="With one of these outputs",
            key="filter_labels",
        )
        if labels:
            out["labels"] = tuple(labels)
    low, high = st.columns(2)
    least = low.number_input("At least (tokens)", 0, None, None, key="filter_min", help=_TOKENS)
    most = high.number_input("At most (tokens)", 0, None, None, key="filter_max", help=_TOKENS)
    if least is not None:
        out["min_tokens"] = int(least)
    if most is not None:
        out["max_tokens"] = int(most)
    return out


_TOKENS = "An estimate: characters divided by 4."


def _filtered(dataset: DatasetRecord, chosen: dict[str, Any]) -> None:
    """How many examples match the filter, and the actions for them."""
    total = datasets.examples(dataset.version.id, 0, 1, **chosen).total
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="filtered"):
        with st.container(gap=None, width="stretch", key="rowtext_filtered"):
            st.markdown(f"**{number(total)} of {plural(dataset.examples, 'example')}** match")
            try:
                words = Filter(**chosen).conditions()
            except ValueError:
                words = ["the minimum number of tokens is above the maximum"]
            st.caption(md("Examples " + " and ".join(words) + "."))
        if not total or total == dataset.examples:
            return
        if st.button("Keep only these", icon=":material/filter_alt:", key="keep_these"):
            dataset_operations.filter_dialog(dataset, Filter(**chosen, keep=True))
        if st.button("Drop these", icon=":material/delete_sweep:", key="drop_these"):
            dataset_operations.filter_dialog(dataset, Filter(**chosen, keep=False))


def _cards(dataset: DatasetRecord, chosen: dict[str, Any]) -> None:
    number_key = f"page_{sorted(chosen.items())!r}"
    current = int(st.session_state.get(number_key, 1))
    page = datasets.examples(dataset.version.id, (current - 1) * PER_PAGE, PER_PAGE, **chosen)
    if not page.items and page.total:  # the dataset shrank
        current = 1
        page = datasets.examples(dataset.version.id, 0, PER_PAGE, **chosen)
    if not page.total:
        st.caption("No examples match.")
        return
    first = (current - 1) * PER_PAGE + 1
    components.heading(
        plural(page.total, "labeled example"), f"{first:,} to {first + len(page.items) - 1:,} · input → output pairs"
    )
    with st.grid(2, min_column_width=320):
        for item, known in _with_provenance(dataset, page.items):
            _card(dataset, item, known)
    components.pages(page.total, PER_PAGE, key=number_key)


def _with_provenance(
    dataset: DatasetRecord, items: Sequence[ExampleRecord]
) -> Iterator[tuple[ExampleRecord, Mapping[str, Any]]]:
    """The examples with what is known of where each came from."""
    known = datasets.provenance_at(dataset.version.id, [item.position for item in items])
    return ((item, known.get(item.position, {})) for item in items)


def _card(dataset: DatasetRecord, item: ExampleRecord, known: Mapping[str, Any], place: str = "") -> None:
    line = f" · line {item.example.source_line:,}" if item.example.source_line else ""
    split = item.example.split
    held = components.badge_md(SPLIT_TITLES[split]) if split != "train" else ""
    flags = " ".join(components.badge_md(md(quality.issue_title(flag)), "orange") for flag in item.flags)
    with example_view.card(
        item.example.messages,
        key=f"{place}{item.position}",
        note=f"Example {item.position + 1:,}{line} · about {number(item.tokens)} tokens{wrote.line(known)}",
        badge=f"{held} {flags}".strip(),
        tools=item.example.tools,
        rejected=item.example.rejected,
    ):
        wrote.link(known, f"{place}{item.position}")
        if st.button("Edit", icon=":material/edit:", type="tertiary", key=f"edit_{place}{item.position}"):
            edit(dataset, item)
        if place and st.button("Drop", icon=":material/delete:", type="tertiary", key="drop_linked"):
            drop = DropRows(positions=(item.position,))
            if dataset_change.apply(dataset, drop, "Dropped after a look at its loss"):
                del st.query_params["example"]
                st.rerun()


def edit(dataset: DatasetRecord, item: ExampleRecord) -> None:
    """Open the dialog that edits one example message by message."""
    by_hand.begin_edit(item.position, message_dicts(item.example.messages))
    _edit_dialog(dataset, item)


@dialog("Edit this example", width="large", icon=":material/edit:")
def _edit_dialog(dataset: DatasetRecord, item: ExampleRecord) -> None:
    position = item.position
    st.caption(f"Example {position + 1:,} of {md(dataset.name)}. Saving creates version {dataset.version.number + 1}.")
    messages = by_hand.edited(position)
    more = beside.editor(item)
    if messages is None or more is None:
        return
    why = st.text_input(
        "Why (optional)", max_chars=300, placeholder="Shown in the version history", key=f"why_edit_{position}"
    )
    save = st.button("Save as a new version", type="primary", width="stretch", key="save_edit")
    if save and dataset_change.apply(dataset, EditRows(rows={position: tuple(messages)}, **more), why):
        st.rerun()
