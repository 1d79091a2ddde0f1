"""The edit grid: change cells, delete and add rows, and save everything as one new version."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core.messages import SPLIT_TITLES, Message
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord, ExampleRecord
from core.services.data.datasets.operations import AddedExample, EditRows, message_dicts
from pages.data._datasets.editing import beside, change as dataset_change
from pages.ui.errors import boundary
from pages.ui.examples import example_view
from pages.ui.format import number

ROWS = 50
_TEXTS = {"Context": "system", "Input": "user", "Output": "assistant"}
_SPLITS = {word: split for split, word in SPLIT_TITLES.items()}


@dataclass
class PendingChanges:
    """Unsaved changes in the grid; positions refer to the version they were started on."""

    version_id: str = ""
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    added: list[dict[str, Any]] = field(default_factory=list)
    view: str = ""  # the filter and page in the widget
    turn: int = 0  # increases whenever the widget gets other rows
    shown: list[int] = field(default_factory=list)  # positions of the rows in the widget
    delta: dict[str, Any] = field(default_factory=dict)  # the changes in the widget

    def settle(self) -> None:
        """Store the widget's changes before it gets other rows."""
        self.cells, self.deleted, self.added = self.together()
        self.delta = {}

    def together(self) -> tuple[dict[int, dict[str, Any]], set[int], list[dict[str, Any]]]:
        """All changes: stored ones and those in the widget."""
        cells, deleted, added = copy.deepcopy(self.cells), set(self.deleted), list(self.added)
        for row, changes in self.delta.get("edited_rows", {}).items():
            if int(row) < len(self.shown):
                cells.setdefault(self.shown[int(row)], {}).update(changes)
        deleted |= {self.shown[row] for row in self.delta.get("deleted_rows", []) if row < len(self.shown)}
        added += [row for row in self.delta.get("added_rows", []) if any(_text(value) for value in row.values())]
        return {at: row for at, row in cells.items() if at not in deleted}, deleted, added


def grid(dataset: DatasetRecord, chosen: dict[str, Any]) -> None:
    """The examples that match the filter as a table, one page at a time."""
    key = f"grid_{dataset.id}"
    pending: PendingChanges = st.session_state.setdefault(key, PendingChanges(dataset.version.id))
    if pending.version_id != dataset.version.id:
        pending = _outdated(dataset, pending, key)
    page_key = f"{key}_page_{sorted(chosen.items())!r}"
    current = int(st.session_state.get(page_key, 1))
    page = datasets.examples(dataset.version.id, (current - 1) * ROWS, ROWS, **chosen)
    if not page.total:
        st.caption("No examples match.")
        return
    view = f"{sorted(chosen.items())!r} {current}"
    if view != pending.view:
        pending.settle()
        pending.view, pending.turn = view, pending.turn + 1
    items = [item for item in page.items if item.position not in pending.deleted]
    pending.shown = [item.position for item in items]
    st.caption(
        "Click a cell to change it, select rows to delete them, or type in the last row to add one. "
        "A multi-turn example shows its last turn; open it as a card to edit all turns."
    )
    _table(items, pending, key)
    pages = -(-page.total // ROWS)
    if pages > 1:
        st.caption(f"{number(page.total)} rows, {ROWS} at a time. Changes are remembered across pages.")
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=page_key)
    _save(dataset, pending, key)


def _outdated(dataset: DatasetRecord, pending: PendingChanges, key: str) -> PendingChanges:
    """Show changes that were started on an older version, so that no typed text is lost."""
    cells, deleted, added = pending.together()
    fresh = PendingChanges(dataset.version.id, turn=pending.turn + 1)
    if not (cells or deleted or added):
        st.session_state[key] = fresh
        return fresh
    with st.container(border=True, gap="small", key="outdated"):
        st.markdown(
            f":orange[:material/warning:] **The dataset has a newer version than the one you were changing.** "
            f"Your changes are listed here; enter them in version {dataset.version.number}, then close this."
        )
        rows = [{"No.": at + 1, **changes} for at, changes in sorted(cells.items())]
        rows += [{"No.": at + 1, "Input": "(deleted)"} for at in sorted(deleted)]
        rows += [{"No.": None, **row} for row in added]
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        if st.button("Close", icon=":material/close:", key="close_outdated"):
            st.session_state[key] = fresh
            st.rerun()
    changes: PendingChanges = st.session_state.setdefault(f"{key}_{dataset.version.id}", fresh)
    return changes


def _table(items: list[ExampleRecord], pending: PendingChanges, key: str) -> None:
    name = f"{key}_{pending.version_id}_{pending.turn}"
    rows = [{**_row(item), **pending.cells.get(item.position, {})} for item in items]
    columns = ["#", "Input", "Output", "Context", "Part"]
    columns += ["Rejected"] if any(item.example.rejected for item in items) else []
    columns += ["Tools"] if any(item.example.tools for item in items) else []
    columns += ["Turns"] if any(item.turns > 1 for item in items) else []
    columns += ["Line"] if any(item.example.source_line for item in items) else []
    frame = pd.DataFrame(rows, columns=columns)
    st.data_editor(
        frame,
        key=name,
        num_rows="dynamic",
        hide_index=True,
        height=min(640, 80 + 36 * max(len(rows), 3)),
        disabled=["#", "Tools", "Turns", "Line"],
        column_config={
            "#": st.column_config.NumberColumn("No.", width=60, help="Position of the example in the dataset."),
            "Input": st.column_config.TextColumn("Input", width=360),
            "Output": st.column_config.TextColumn("Output", width=300),
            "Context": st.column_config.TextColumn("Context", width=180, help="The system message."),
            "Part": st.column_config.SelectboxColumn(
                "Part", options=list(_SPLITS), width=100, default="Training", required=True
            ),
            "Rejected": st.column_config.TextColumn(
                "Rejected", width=240, help="The worse answer of a preference pair; it is not trained on."
            ),
            "Tools": st.column_config.TextColumn("Tools", width=140, help="Open the example as a card to edit them."),
            "Turns": st.column_config.NumberColumn("Turns", width=60),
            "Line": st.column_config.NumberColumn("Line", width=60, help="Line in the source file."),
        },
        alt="The examples as a table that can be edited",
    )
    pending.delta = copy.deepcopy(dict(st.session_state.get(name) or {}))


def _row(item: ExampleRecord) -> dict[str, Any]:
    messages = item.example.messages
    return {
        "#": item.position + 1,
        **{title: _last(messages, role) for title, role in _TEXTS.items()},
        "Part": SPLIT_TITLES[item.example.split],
        "Rejected": beside.text_of(item.example.rejected),
        "Tools": ", ".join(map(example_view.tool_name, item.example.tools)),
        "Turns": item.turns,
        "Line": item.example.source_line or None,
    }


def _last(messages: tuple[Message, ...], role: str) -> str:
    return next((message.content for message in reversed(messages) if message.role == role), "")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _save(dataset: DatasetRecord, pending: PendingChanges, key: str) -> None:
    cells, deleted, added = pending.together()
    if not (cells or deleted or added):
        return
    parts = [(len(cells), "edited"), (len(deleted), "deleted"), (len(added), "added")]
    counts = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    with st.container(border=True, gap="small", key="on_grid_changes"):
        st.markdown(f"**Not saved yet:** {counts}")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            why = st.text_input(
                "Why (optional)", max_chars=300, placeholder="Shown in the version history", key=f"{key}_why"
            )
            if st.button("Discard", type="tertiary", key="discard_grid"):
                _forget(dataset, pending)
                st.rerun()
            if st.button(
                f"Save as version {dataset.version.number + 1}", type="primary", icon=":material/save:", key="save_grid"
            ):
                with boundary():
                    if dataset_change.apply(dataset, _operation(dataset, cells, deleted, added), why):
                        _forget(dataset, pending)
                        st.rerun()


def _forget(dataset: DatasetRecord, pending: PendingChanges) -> None:
    fresh = PendingChanges(dataset.version.id, turn=pending.turn + 1)
    for key in (f"grid_{dataset.id}", f"grid_{dataset.id}_{dataset.version.id}"):
        if st.session_state.get(key) is pending:
            st.session_state[key] = fresh


def _operation(
    dataset: DatasetRecord, cells: dict[int, dict[str, Any]], deleted: set[int], added: list[dict[str, Any]]
) -> EditRows:
    rows, splits, rejected = {}, {}, {}
    before = {item.position: item for item in datasets.examples_at(dataset.version.id, sorted(cells))}
    for position, changes in cells.items():
        if changes.get("Part"):
            splits[position] = _SPLITS[changes["Part"]]
        if "Rejected" in changes:
            rejected[position] = beside.rewritten(before[position].example.rejected, _text(changes["Rejected"]))
        texts = {title: value for title, value in changes.items() if title in _TEXTS}
        if texts:
            rows[position] = tuple(_with(message_dicts(before[position].example.messages), texts))
    more = [
        AddedExample(
            messages=tuple(_with([], {title: row.get(title) for title in _TEXTS})),
            rejected=beside.rewritten((), _text(row.get("Rejected"))),
            split=_SPLITS[row.get("Part") or "Training"],
        )
        for row in added
    ]
    return EditRows(rows=rows, splits=splits, rejected=rejected, drop=tuple(deleted), add=tuple(more))


def _with(messages: Sequence[Mapping[str, Any]], texts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages with the last one of each role replaced; a cleared context is removed, a new one goes first."""
    out = [dict(message) for message in messages]
    for title, role in _TEXTS.items():
        if title not in texts:
            continue
        value = _text(texts[title])
        places = [at for at, message in enumerate(out) if message["role"] == role]
        if role == "system" and not value.strip():
            out = [message for message in out if message["role"] != "system"]
        elif places:
            out[places[-1]]["content"] = value
        elif role == "system":
            out.insert(0, {"role": role, "content": value})
        else:
            out.append({"role": role, "content": value})
    return out
